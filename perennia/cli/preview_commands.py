"""`perennia preview`: a message as one customer would get it, sent to nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any, cast

import typer

from perennia.catalog import Workspace as Loaded
from perennia.catalog import load_workspace
from perennia.catalog.reading import read_file
from perennia.catalog.yaml_source import read_documents
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.preview_page import Envelope, preview_page
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json
from perennia.clock import WallClock
from perennia.core.definitions import NO_POLICIES, EmailStep, Playbook, Policies, SurveyStep
from perennia.core.documents import TemplateBody
from perennia.core.json_values import Json, JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.core.step_ids import place_steps
from perennia.rendering import (
    Asking,
    Observation,
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
OWNER: JsonObject = {"name": "Sam Smith", "first_name": "Sam", "email": "sam@example.com"}
SOMEBODY: JsonObject = {"id": "ana", "email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz"}
COLOURS = {"error": "red", "warning": "yellow", "hint": "dim"}


def register(app: typer.Typer) -> None:
    app.command()(preview)


def preview(
    template: Annotated[str, typer.Argument(help="The template's name, as steps name it.", metavar="TEMPLATE")],
    customer: Annotated[
        str | None,
        typer.Option(help="Whose values: a YAML file (id, traits, as in a scenario) or a stored customer's id."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="A value: what the step gives, traits.plan, steps.ask.score ...", metavar="NAME=VALUE"
        ),
    ] = None,
    locale: Annotated[str | None, typer.Option(help="In this language, whatever the customer's is.")] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Writes a page that shows it on a phone and a desktop, light and dark.", dir_okay=False, metavar="FILE"
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Opens that page.")] = False,
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
    for each in values or ():
        _put(context, *_value(each))
    use = _use_of(template, loaded)
    surroundings = _surroundings(body, context, loaded.policies or NO_POLICIES, locale, use)
    try:
        message = render_message(body, context, surroundings)
    except TemplateError as error:
        raise CommandError(
            str(error), "or give the value: --customer FILE, --with traits.plan=pro", Exit.FINDINGS
        ) from None
    observed = observe(message)
    if html is None and browser:
        html = Path(mkdtemp(prefix="perennia-")) / "preview.html"
    if html is not None:
        envelope = _envelope(message, context, loaded.policies or NO_POLICIES, use)
        html.write_text(preview_page(message, envelope, observed), encoding="utf-8")
    _say(message, observed, html, as_json=as_json)
    if browser and html is not None and not typer.launch(html.resolve().as_uri()) == 0:
        raise CommandError("no browser could be opened", f"open {html}", Exit.REFUSED)


def _say(message: RenderedMessage, observed: Sequence[Observation], html: Path | None, *, as_json: bool) -> None:
    if as_json:
        told = {"subject": message.subject, "preheader": message.preheader, "html": message.html, "text": message.text}
        told |= {"locale": message.locale, "file": message.file}
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
    say(f"{_described(message)}" + (f"; page: {html}" if html else ""), "dim")


def _described(message: RenderedMessage) -> str:
    return f"{message.file} in {message.locale}, {len((message.html or message.text).encode()) / 1024:.1f} KB"


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
    empty: JsonObject = {name: {} for name in ("enter", "steps", "stage", "answers", "health")}
    return {"traits": traits, "contact": {**person}, "account": {**person}, **empty}


def _value(given: str) -> tuple[list[str], Json]:
    """The parts of a dotted name, and its value: JSON where it is some (``8``, ``true``, ``["a", "b"]``), else text."""
    name, separator, value = given.partition("=")
    if not separator:
        raise CommandError(f'"{given}" gives no value', "write --with NAME=VALUE", Exit.USAGE)
    try:
        read = cast("Json", json.loads(value))
    except ValueError:
        read = value
    return [part.strip() for part in name.split(".")], read


def _put(context: JsonObject, path: Sequence[str], value: Json) -> None:
    *outer, last = path
    inside = context
    for part in outer:
        found = inside.get(part)
        inside[part] = found = found if isinstance(found, dict) else {}
        inside = found
    inside[last] = value


# --- how it is sent -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Use:
    """The step that sends the template, where there is one: ``place`` names it, ``sender`` is as steps say it."""

    place: str = "no playbook sends it"
    topic: str | None = "..."
    sender: str | None = None


def _use_of(template: str, workspace: Loaded) -> _Use:
    """The first step that sends it. What nobody sends yet is seen as what has a topic."""
    for book in workspace.definitions:
        if not isinstance(book, Playbook):
            continue
        for placed in place_steps(book):
            step = placed.step
            sent = step.email if isinstance(step, EmailStep) else None
            if isinstance(step, SurveyStep):
                sent = step.template
            if sent == template and isinstance(step, EmailStep | SurveyStep):
                topic = None if isinstance(step, EmailStep) and step.transactional else step.topic or book.topic
                return _Use(f"{book.playbook}, step {placed.id}", topic, step.from_)
    return _Use()


def _surroundings(
    body: TemplateBody, context: JsonObject, policies: Policies, locale: str | None, use: _Use
) -> Surroundings:
    reader = reader_of(context, policies, WallClock().now())
    asks = LINKS in names_in(body)
    asked = AskedSurvey(survey="preview", question="How likely are you to recommend us?", lowest=0, highest=10)
    link = SOME_LINK if use.topic is not None else ""
    return Surroundings(
        workspace=workspace_names(policies),
        owner=OWNER,
        message={"id": "preview", "topic": use.topic},
        unsubscribe_url=link,
        preferences_url=link,
        reader=replace(reader, locale=locale) if locale else reader,
        asked=Asking(asked, SOME_LINK) if asks else None,
    )


def _envelope(message: RenderedMessage, context: JsonObject, policies: Policies, use: _Use) -> Envelope:
    headers = [
        ("From", _sender(policies, use.sender)),
        ("To", str(cast("JsonObject", context["contact"]).get("email") or "")),
        ("Subject", message.subject),
    ]
    if use.topic is not None:
        headers.append(("List-Unsubscribe", f"<{SOME_LINK}>"))
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    topic = use.topic if use.topic is not None else "none: transactional, or to a colleague"
    notes = [("Sent by", use.place), ("Topic", topic), ("Template", _described(message))]
    return Envelope(headers, notes)


def _sender(policies: Policies, named: str | None) -> str:
    default = policies.senders.get(policies.default_sender or "") or next(iter(policies.senders.values()), None)
    sender = policies.senders.get(named or "", default)
    if sender is None:
        return "the policies have no senders"
    return f"{OWNER['name'] if named == 'owner' else sender.name or ''} <{sender.email}>".strip()
