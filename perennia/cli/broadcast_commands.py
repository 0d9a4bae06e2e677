"""Commands about broadcasts: made, approved, started, held, ended, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, cast

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from perennia.broadcast_answers import (
    BroadcastStanding,
    BroadcastWord,
    broadcasts,
    create_broadcast,
    send_to_colleagues,
    steer_broadcast,
)
from perennia.broadcast_answers import broadcast as broadcast_of
from perennia.cli.exits import CommandError, Exit
from perennia.cli.experiment_commands import Effect, show_experiment
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.core.json_values import JsonObject
from perennia.experiment_answers import broadcast_report
from perennia.settings import load_settings
from perennia.why.reasons import meaning

# What becomes of a customer, in words.
FATES: Final = {
    "sent": "would be sent to at once",
    "waits": "would be entered, and wait",
    "held": "would be held",
    "skipped": "would be skipped",
    "failed": "would fail",
    "refused": "would not be entered",
    "left_out": "would be left out",
    "holdout": "are in the holdout",
}

STEERING: Final[dict[BroadcastWord, str]] = {
    "approve": "Says yes to a broadcast that somebody else made.",
    "start": "Begins a broadcast: at once, or at its instant.",
    "pause": "Holds a broadcast: nothing more of it leaves until it is resumed.",
    "resume": "Lets a paused broadcast go on where it was.",
    "cancel": "Ends a broadcast for good: whoever has not got it yet does not.",
}

broadcast = typer.Typer(help="Sends one message, or starts one playbook, for a whole audience.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The broadcast's name.")]
As = Annotated[str | None, typer.Option("--by", help="Who asks; default: you.", metavar="PERSON")]


def register(app: typer.Typer) -> None:
    app.add_typer(broadcast, name="broadcast")


@broadcast.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The broadcast, in YAML.", exists=True, dir_okay=False)],
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    by: As = None,
) -> None:
    """Makes a broadcast of a file. Nothing is sent before it is started."""
    body = {**_read(file), "by": by or who()}
    _show(ask(workspace, url, data, lambda at: create_broadcast(at, body)), as_json=as_json)


@broadcast.command()
def preview(
    name: Name,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Processes; default: one a core.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Says what would become of everybody if it began now, to the last one. Changes nothing; reads the store itself."""
    from perennia.cli.broadcast_preview import preview_of  # noqa: PLC0415 - loads the store's driver

    found = preview_of(load_settings(workspace, data), name, jobs, quiet=as_json)
    if as_json:
        say_json(found)
        return
    say(f"{name}, if it began now: {found.audience:,} in the audience, of {found.looked:,}", "bold")
    for fate in found.fates:
        say(f"  {fate.count:,} {FATES[fate.what]}{f': {_reason(fate.why)}' if fate.why else ''}")


@broadcast.command("test")
def send_test(
    name: Name,
    to: Annotated[list[str], typer.Option("--to", help="A colleague's address; again for others.", metavar="ADDRESS")],
    customer: Annotated[
        str | None,
        typer.Option("--as", help="As whom it is written; default: the first of the audience.", metavar="CUSTOMER"),
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    by: As = None,
) -> None:
    """Sends a broadcast to colleagues, marked as a test and counted nowhere; every variant of it."""
    sent = ask(workspace, url, data, lambda at: send_to_colleagues(at, name, to, customer, by or who()))
    if as_json:
        say_json(sent)
    for each in [] if as_json else sent:
        which = each.template if each.variant == "message" else f"{each.template} ({each.variant})"
        say(f"{which} to {each.to}: {each.error or 'sent'}", "red" if each.error else "green")
    if any(each.error for each in sent):
        raise typer.Exit(Exit.REFUSED)


@broadcast.command("list")
def list_broadcasts(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Lists broadcasts, the last created first."""
    found = ask(workspace, url, data, broadcasts)
    if as_json:
        say_json(found)
        return
    rows = [
        (each.id, each.status, "" if each.run is None else f"{each.run.entered:,}", each.created_by, each.why or "")
        for each in found
    ]
    say_table(("BROADCAST", "STATUS", "ENTERED", "MADE BY", "WHY"), rows)


@broadcast.command()
def status(
    name: Name, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Shows how far a broadcast is, and what became of everybody."""
    _show(ask(workspace, url, data, lambda at: broadcast_of(at, name)), as_json=as_json)


@broadcast.command()
def report(
    name: Name,
    effect: Effect = "20%",
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Shows conversions to a broadcast's goal: of its variants, and of who got it against who was held out."""
    show_experiment(ask(workspace, url, data, lambda at: broadcast_report(at, name, effect)), as_json=as_json)


def _register_steering(word: BroadcastWord, does: str) -> None:
    @broadcast.command(word, help=does)
    def steer(
        name: Name,
        workspace: Workspace = HERE,
        as_json: AsJson = False,
        url: Url = None,
        data: Data = None,
        by: As = None,
    ) -> None:
        _show(ask(workspace, url, data, lambda at: steer_broadcast(at, name, word, by or who())), as_json=as_json)


for _word, _does in STEERING.items():
    _register_steering(_word, _does)


def _read(file: Path) -> JsonObject:
    try:
        parsed: object = YAML(typ="safe", pure=True).load(file)  # pyright: ignore[reportUnknownMemberType] - ruamel's
    except (YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())
        raise CommandError(f"{file} is no YAML: {first}", "compare it with docs/broadcasts.md", Exit.USAGE) from error
    if not isinstance(parsed, dict):
        raise CommandError(f"{file} says no broadcast", "begin with `broadcast: NAME`", Exit.USAGE)
    return cast("JsonObject", parsed)


def _show(found: BroadcastStanding, *, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    for line, style in described(found):
        say(line, style)


def described(found: BroadcastStanding) -> list[tuple[str, str | None]]:
    """For people: where it stands, how far it is, what became of whom."""
    lines: list[tuple[str, str | None]] = [(f"{found.id}: {found.status}", "bold")]
    if found.why is not None:
        lines.append((f"  it paused itself: {found.why}", "yellow"))
    if found.status in ("draft", "approved"):
        lines.append((f"  begin it with `perennia broadcast start {found.id}`", None))
    if found.status == "waiting":
        lines.append(
            (f"  somebody else than {found.created_by} must say `perennia broadcast approve {found.id}`", None)
        )
    if found.status == "scheduled" and found.starts_at is not None:
        lines.append((f"  begins at {found.starts_at:%Y-%m-%d %H:%M} UTC", None))
    run = found.run
    if run is None:
        return lines
    number = f" (run {run.number})" if run.number > 1 else ""
    ahead = "" if found.left is None else f", {found.left:,} to go"
    ready = "" if found.ready_in is None else f", about {_time(found.ready_in)}"
    lines.append((f"  {run.looked:,} customers looked at{number}{ahead}{ready}; {run.entered:,} entered", None))
    lines += [(f"  {count:,} left out: {_reason(reason)}", None) for reason, count in run.left_out.items()]
    if "playbook" in found.broadcast:
        return lines
    lines.append((f"  {found.sent:,} sent, {found.in_flight:,} on their way, {found.waiting:,} waiting", None))
    lines += [(f"  {count:,} skipped: {_reason(reason)}", None) for reason, count in found.skipped.items()]
    for what in ("failed", "holdout"):
        count = cast("int", getattr(found, what))
        lines += [(f"  {count:,} {'in the holdout' if what == 'holdout' else what}", None)] if count else []
    told = [f"{getattr(found, what):,} {what}" for what in ("opened", "clicked", "bounced", "complained")]
    lines += [(f"  {', '.join(told)}", None)] if found.sent else []
    return lines


def _reason(code: str) -> str:
    return f"{code} ({meaning(code)})" if meaning(code) else code


def _time(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
