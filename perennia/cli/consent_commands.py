"""`perennia consent ...`: what contacts said of topics, how we know, and saying it for them."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from perennia.cli.options import HERE, AsJson, Customer, Data, Url, Workspace, named_values, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.core.json_values import JsonObject
from perennia.core.tracking import CHOICE
from perennia.permission_answers import Consent, ConsentAnswer

consent = typer.Typer(help="Shows and keeps what contacts said of topics.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(consent, name="consent")


@consent.command()
def show(
    customer: Customer,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Shows how it stands with each topic, and all that was ever said, with its proof."""
    found = ask(workspace, url, data, lambda at: at.consents(customer))
    if as_json:
        say_json(found)
        return
    for one in found.topics:
        say(described(one))
    if found.history:
        rows = [
            (f"{one.at:%Y-%m-%d %H:%M}", one.topic, one.act, one.source, one.text or "", json.dumps(one.proof))
            for one in found.history
        ]
        say_table(("AT (UTC)", "TOPIC", "SAID", "SOURCE", "TEXT", "PROOF"), rows)


@consent.command("set")
def set_(
    customer: Customer,
    topic: Annotated[str, typer.Argument(help="The topic's id in the policies; :tracking for being tracked.")],
    answer: Annotated[Literal["yes", "no"], typer.Argument(help="What the contact said.")],
    source: Annotated[str, typer.Option(help="Where it was said: a form, a call, a contract.")] = "cli",
    text: Annotated[str | None, typer.Option(help="The version of the text that they saw.")] = None,
    proof: Annotated[list[str] | None, typer.Option("--proof", help="NAME=VALUE, once each: what shows it.")] = None,
    proven: Annotated[
        bool, typer.Option("--proven", help="The address is known to be theirs: nothing is to be confirmed.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Keeps a contact's yes or no to a topic. A yes to a topic with `confirm` sends the message whose link confirms."""
    body: JsonObject = {"topic": topic, "given": answer == "yes", "source": source, "text": text, "by": who()}
    body |= {"proof": named_values("--proof", proof), "proven": proven}
    said = ask(workspace, url, data, lambda at: at.say_consent(customer, body))
    if as_json:
        say_json(said)
    else:
        say(_said(said))


def _said(answer: ConsentAnswer) -> str:
    match answer.outcome:
        case "asked":
            return f"{described(answer.consent)}; a message that asks to confirm goes out"
        case "waiting":
            return f"{described(answer.consent)}; such a message was asked for less than a day ago, no other goes out"
        case "unchanged":
            return f"{described(answer.consent)}, as before"
        case _:
            return described(answer.consent)


def described(one: Consent) -> str:
    """``newsletter: given (form, 2026-03-02 10:00 UTC)``; of what was never said, what that means."""
    if one.state == "unsaid":
        return f"{one.topic}: never said, so {'it may be sent' if one.kind == 'opt_out' else 'nothing is sent'}"
    at = f", {one.at:%Y-%m-%d %H:%M} UTC" if one.at else ""
    until = f", to be confirmed until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
    if one.topic == CHOICE:
        return f"tracking: {'refused' if one.state == 'withdrawn' else 'not refused any more'} ({one.source}{at})"
    gone = "" if one.kind else "; no topic of the policies any more"
    return f"{one.topic}: {one.state} ({one.source}{at}{until}){gone}"
