"""`perennia preview`: a message as one customer would get it, sent to nobody."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from perennia.catalog import load_workspace
from perennia.catalog.reading import read_file
from perennia.catalog.yaml_source import read_documents
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json
from perennia.clock import WallClock
from perennia.core.decisions import AskedSurvey
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.rendering import (
    Asking,
    RenderedMessage,
    Surroundings,
    TemplateError,
    names_in,
    observe,
    reader_of,
    render_message,
    workspace_names,
)
from perennia.rendering.survey_links import LINKS

# What the links of a preview lead to: nowhere.
SOME_LINK = "https://links.example/preview"
SOMEBODY: JsonObject = {"id": "ana", "email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz"}
COLOURS = {"error": "red", "warning": "yellow", "hint": "dim"}
WIDTHS = {"Phone": 375, "Desktop": 720}


def register(app: typer.Typer) -> None:
    app.command()(preview)


def preview(
    template: Annotated[str, typer.Argument(help="The template's name, as steps name it.", metavar="TEMPLATE")],
    customer: Annotated[
        str | None,
        typer.Option(help="Whose values: a YAML file (id, traits, as in a scenario) or a stored customer's id."),
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--with", help="What the step gives the template.", metavar="NAME=VALUE")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="In this language, whatever the customer's is.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Writes a page with the message at both widths.", dir_okay=False, metavar="FILE")
    ] = None,
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Shows a message as one customer would get it: subject, text, and what may go wrong in a mailbox. Sends nothing."""
    loaded = load_workspace(workspace)
    body = loaded.templates.get(template)
    if body is None:
        raise CommandError(f'no template "{template}"', f"there are {', '.join(sorted(loaded.templates))}", Exit.USAGE)
    context = _context(_traits(customer, workspace, url, data))
    context |= dict(_value(each) for each in values or ())
    surroundings = _surroundings(body, context, loaded.policies or NO_POLICIES, locale)
    try:
        message = render_message(body, context, surroundings)
    except TemplateError as error:
        raise CommandError(str(error), "or give the value: --customer FILE, --with NAME=VALUE", Exit.FINDINGS) from None
    if html is not None:
        html.write_text(_page(message), encoding="utf-8")
    _say(message, html, as_json=as_json)


def _say(message: RenderedMessage, html: Path | None, *, as_json: bool) -> None:
    observed = observe(message)
    if as_json:
        told = {"subject": message.subject, "preheader": message.preheader, "html": message.html, "text": message.text}
        findings = [
            {"code": each.code, "severity": each.level, "message": each.message, "remedy": each.remedy}
            for each in observed
        ]
        say_json({**told, "findings": findings})
        return
    say(f"Subject: {message.subject}", "bold")
    if message.preheader:
        say(f"Preheader: {message.preheader}")
    say()
    say(message.text.rstrip("\n"))
    say()
    for each in observed:
        say(str(each), COLOURS[each.level])
    say(
        f"{len((message.html or message.text).encode()) / 1024:.1f} KB" + (f", written to {html}" if html else ""),
        "dim",
    )


# --- whose values ---------------------------------------------------------------------------------------------------


def _traits(customer: str | None, workspace: Path, url: str | None, data: Path | None) -> JsonObject:
    """The customer's id and traits; somebody made up where none is named."""
    if customer is None:
        return SOMEBODY
    file = Path(customer)
    if file.is_file():
        return _from_file(file)
    if file.suffix in (".yaml", ".yml"):
        raise CommandError(f"no file {customer}", "name one, or a stored customer's id", Exit.USAGE)

    found = ask(workspace, url, data, lambda at: at.customer(customer))
    state = cast("dict[str, Any]", found.state or {})
    return {**state.get("facts", {}).get("traits", {}), "id": found.customer.external_id}


def _from_file(file: Path) -> JsonObject:
    text, findings = read_file(file, file.name)
    documents, more = ([], findings) if text is None else read_documents(file.name, text)
    told = cast("Any", documents[0].data) if documents else None
    if more or not isinstance(told, dict):
        problem = str(more[0]) if more else f"{file.name} says nothing of a customer"
        raise CommandError(problem, "write id and traits, as in a scenario", Exit.USAGE)
    person = cast("dict[str, Any]", told)
    person = person.get("customer", person)
    return {**person.get("traits", {}), "id": person.get("id", "customer")}


def _context(person: JsonObject) -> JsonObject:
    traits: JsonObject = {name: value for name, value in person.items() if name != "id"}
    nothing: JsonObject = {}
    return {
        "traits": traits,
        "contact": person,
        "account": person,
        **dict.fromkeys(("enter", "steps", "stage", "answers", "health"), nothing),
    }


def _value(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator:
        raise CommandError(f'"{given}" gives no value', "write --with NAME=VALUE", Exit.USAGE)
    return name.strip(), value


def _surroundings(body: TemplateBody, context: JsonObject, policies: Policies, locale: str | None) -> Surroundings:
    reader = reader_of(context, policies, WallClock().now())
    asks = LINKS in names_in(body)
    asked = AskedSurvey(survey="preview", question="How likely are you to recommend us?", lowest=0, highest=10)
    return Surroundings(
        workspace=workspace_names(policies),
        owner={"name": "Sam Smith", "first_name": "Sam", "email": "sam@example.com"},
        message={"id": "preview", "topic": None},
        unsubscribe_url=SOME_LINK,
        preferences_url=SOME_LINK,
        reader=replace(reader, locale=locale) if locale else reader,
        asked=Asking(asked, SOME_LINK) if asks else None,
    )


# --- the page -------------------------------------------------------------------------------------------------------


def _page(message: RenderedMessage) -> str:
    """The message in frames as wide as a phone and a desktop; nothing in them can run or load anything but images."""
    content = message.html if message.html is not None else f"<pre>{escape(message.text)}</pre>"
    frames = "".join(
        f'<figure><figcaption>{name}, {width} pixels</figcaption><iframe sandbox title="{name}" width="{width}" '
        f'height="900" srcdoc="{escape(content)}"></iframe></figure>'
        for name, width in WIDTHS.items()
    )
    style = (
        ":root { color-scheme: light dark; } body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; }"
        " main { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start; } figure { margin: 0; }"
        " iframe { max-width: 100%; border: 1px solid #767676; border-radius: .5rem; background: #fff; }"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(message.subject)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>'
        f"<h1>{escape(message.subject)}</h1><p>{escape(message.preheader)}</p><main>{frames}</main></body></html>\n"
    )
