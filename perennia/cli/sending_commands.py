"""`perennia sending ...`: how senders and topics stand, stopping them, letting them go again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.sending_answers import WarmUps
from perennia.store.records import SendingKind

sending = typer.Typer(help="Shows how senders and topics stand; stops and resumes their mail.", no_args_is_help=True)

Kind = Annotated[SendingKind, typer.Argument(help="sender or topic.")]
Name = Annotated[str, typer.Argument(help="Its name in the policies.")]


def register(app: typer.Typer) -> None:
    app.add_typer(sending, name="sending")


@sending.command("list")
def list_sending(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Lists complaints and bounces of each sender and topic, and what is stopped."""
    found = ask(workspace, url, data, lambda at: at.sending())
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one.kind,
            one.name,
            f"{one.sent:,}",
            _part(one.complained, one.sent),
            _part(one.bounced, one.sent),
            one.level if one.level == "good" else f"{one.level} since {one.since:%Y-%m-%d %H:%M} by {one.by}",
        )
        for one in found
    ]
    say_table(("KIND", "NAME", "SENT", "COMPLAINTS", "HARD BOUNCES", "STANDING (UTC)"), rows)
    warming = ask(workspace, url, data, lambda at: at.warm_ups())
    if warming.providers or warming.waiting:
        say("")
        _say_warming(warming)


@sending.command("warm-up")
def warm_up(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Shows what each provider that is warming up was given today, and may be given; what waits for the next day."""
    found = ask(workspace, url, data, lambda at: at.warm_ups())
    if as_json:
        say_json(found)
    else:
        _say_warming(found)


def _say_warming(found: WarmUps) -> None:
    if not found.providers:
        say("no provider is warming up; `warm_up=DATE` in a provider's URL begins it (docs/deliverability.md)")
    else:
        heads = ("WARMING UP", "DAY (UTC)", "USED", "MAXIMUM", "TOMORROW")
        rows = [
            (each.provider, f"{found.day}", f"{each.used:,}", _most(each.maximum), _most(each.tomorrow))
            for each in found.providers
        ]
        say_table(heads, rows)
    if found.waiting and found.next_at is not None:
        messages = "1 message waits" if found.waiting == 1 else f"{found.waiting:,} messages wait"
        say(f"{messages} for a place of the next day, the first until {found.next_at:%Y-%m-%d %H:%M} UTC", "yellow")


def _most(maximum: int | None) -> str:
    return "no maximum" if maximum is None else f"{maximum:,}"


@sending.command()
def stop(
    kind: Kind, name: Name, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Keeps back the marketing mail of a sender or topic from here on; nothing is lost."""
    _steer(kind, name, "stop", workspace, url, data, as_json=as_json)


@sending.command()
def resume(
    kind: Kind, name: Name, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Lets what was kept back leave, and counts complaints anew."""
    _steer(kind, name, "resume", workspace, url, data, as_json=as_json)


def _steer(
    kind: SendingKind,
    name: str,
    word: Literal["stop", "resume"],
    workspace: Path,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    now = ask(workspace, url, data, lambda at: at.steer_sending(kind, name, word, who()))
    if as_json:
        say_json(now)
    else:
        say(f"mail of the {kind} {name} {'waits' if now.level == 'stopped' else 'leaves'}")


def _part(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.2f}%)" if whole else "0"
