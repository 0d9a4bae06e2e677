"""`perennia hooks ...`: webhooks of other systems as events: what is set up, what a call would mean, what was not taken."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from perennia.catalog.one_document import FileWrong
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.ingest.hook_mappings import HookMapping, Told, read_call, read_hooks_file
from perennia.settings import load_settings
from perennia.store.records import Accepted, Rejected

hooks = typer.Typer(help="Webhooks of other systems, as events of customers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(hooks, name="hooks")


@hooks.command("list")
def list_(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Lists the sources that hooks.yaml has, and which of them have a secret."""
    settings = load_settings(workspace, data)
    rows = [
        (source, f"/hooks/events/{source}", _signature(mapping), "set" if source in settings.event_hooks else "missing")
        for source, mapping in _mappings(settings.hooks_file).items()
    ]
    if as_json:
        say_json([dict(zip(("source", "path", "signature", "secret"), row, strict=True)) for row in rows])
        return
    say_table(("SOURCE", "PATH", "SIGNED BY", "SECRET"), rows)


@hooks.command("try")
def try_(
    source: Annotated[str, typer.Argument(help="The source, as hooks.yaml names it.")],
    file: Annotated[str, typer.Argument(help="A body that it posts: a file, or - for the standard input.")],
    header: Annotated[
        list[str] | None, typer.Option("--header", help="A header of the call, `NAME: VALUE`; several if need be.")
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Shows what a call would mean, and stores nothing. The signature is not looked at."""
    mappings = _mappings(load_settings(workspace, data).hooks_file)
    if source not in mappings:
        known = ", ".join(mappings) or "nothing"
        raise CommandError(f"hooks.yaml says nothing of {source!r}", f"it has: {known}", Exit.USAGE)
    body = _read(file)
    call = hashlib.sha256(body).hexdigest()[:12]
    told = read_call(source, mappings[source], body, _headers(header or []), call, datetime.now(UTC))
    rejected = [each for each in told.records if isinstance(each, Rejected)]
    if as_json:
        say_json(
            {"taken": _taken(told), "passed_over": told.passed_over, "rejected": [each.reason for each in rejected]}
        )
    else:
        _tell(told, rejected)
    if rejected:
        raise typer.Exit(Exit.FINDINGS)


@hooks.command()
def rejected(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Shows what came in, by webhooks or in batches, and could not be taken: the last hundred, newest first."""
    found = ask(workspace, url, data, lambda at: at.rejected_items())
    if as_json:
        say_json(found)
        return
    say_table(("AT", "REASON", "AS IT CAME"), [(f"{each.at:%Y-%m-%d %H:%M}", each.reason, each.raw) for each in found])


def _mappings(path: Path) -> dict[str, HookMapping]:
    try:
        return dict(read_hooks_file(path))
    except FileWrong as error:
        raise CommandError(str(error), "docs/webhooks.md shows one", Exit.USAGE) from error


def _signature(mapping: HookMapping) -> str:
    form = mapping.hmac
    return "Standard Webhooks" if form is None else f"{form.header} (HMAC, {form.algorithm}, {form.encoding})"


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(
            f"{file} cannot be read: {error.strerror}", "name a file, or - and pipe it in", Exit.USAGE
        ) from error


def _headers(given: list[str]) -> dict[str, str]:
    split = [each.partition(":") for each in given]
    return {name.strip().lower(): value.strip() for name, _, value in split}


def _taken(told: Told) -> list[object]:
    return [msgspec.to_builtins(each) for each in told.records if isinstance(each, Accepted)]


def _tell(told: Told, rejected: list[Rejected]) -> None:
    for each in told.records:
        match each:
            case Accepted(input=CustomerEvent(name=name, properties=properties, timestamp=at)):
                say(
                    f"{each.kind} {each.external_id}: {name} {properties}"
                    + ("" if at is None else f", at {at.isoformat()}")
                )
            case Accepted(input=TraitsChanged(traits=traits)):
                say(f"{each.kind} {each.external_id}: traits {traits}")
            case _:
                pass
    for name in told.passed_over:
        say(f"passed over: {name}")
    for each in rejected:
        say(f"not taken: {each.reason}")
