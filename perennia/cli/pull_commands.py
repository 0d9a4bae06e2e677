"""`perennia pull ...`: what is new in databases, and taking it in now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Workspace, who
from perennia.cli.row_progress import RowProgress, say_columns, say_refused
from perennia.cli.speech import say, say_json, say_table
from perennia.cli.stored import store_of
from perennia.importing.cursors import CursorWrong
from perennia.importing.database import DatabaseFailed
from perennia.importing.pulling import Puller, UnknownPull
from perennia.importing.running import Report
from perennia.settings import load_settings
from perennia.store.import_records import ImportState
from perennia.store.records import AuditEntry
from perennia.wiring import build_puller

pull = typer.Typer(help="Reads databases that pulls.yaml names, from where each was read last.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The pull, as pulls.yaml calls it.")]


def register(app: typer.Typer) -> None:
    app.add_typer(pull, name="pull")


@pull.command("list")
def list_pulls(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Lists all pulls, and how the last run of each ended."""

    async def look() -> list[tuple[str, str, str, ImportState | None]]:
        async with _opened(workspace, data) as puller:
            return [(name, each.kind, each.every, await puller.state(name)) for name, each in puller.pulls.items()]

    found = asyncio.run(look())
    if as_json:
        say_json([{"name": name, "kind": kind, "every": every, "run": run} for name, kind, every, run in found])
        return
    rows = [(name, kind, every, _said(run)) for name, kind, every, run in found]
    say_table(("PULL", "KIND", "EVERY", "LAST RUN"), rows)


@pull.command()
def status(name: Name, workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Shows how far one is, what stopped it, and which rows were refused."""

    async def look() -> ImportState | None:
        async with _opened(workspace, data) as puller:
            if name not in puller.pulls:
                raise _unknown(UnknownPull(name, list(puller.pulls)))
            return await puller.state(name)

    run = asyncio.run(look())
    if as_json:
        say_json(run)
        return
    say(f"{name}: {_said(run)}")
    if run is not None:
        say(f"read up to {(run.cursor or ':nothing').partition(':')[2]}")
        say(f"{run.taken:,} rows taken, {run.known:,} known already, {run.bad:,} refused")
        for each in run.refused:
            column = f", column {each.column}" if each.column is not None else ""
            say(f"refused at {each.at:%Y-%m-%d %H:%M} UTC: row at {each.cursor}{column}: {each.message}", "yellow")


@pull.command()
def run(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong with what is new.")] = False,
    again: Annotated[bool, typer.Option("--again", help="From the start, though it was read before.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Takes in now what is new, and says of each row that it refuses why. Exit code 1: rows were refused."""

    async def take() -> tuple[ImportState | None, Report]:
        async with _opened(workspace, data) as puller:
            before = None if again else await puller.state(name)
            if not dry_run:
                now = puller.clock.now()
                await puller.store.audit(AuditEntry(at=now, by=who(), action="pull", subject=name))
            report = await puller.run(name, RowProgress().tell, dry_run=dry_run, again=again)
            return before, report

    try:
        before, report = asyncio.run(take())
    except UnknownPull as error:
        raise _unknown(error) from error
    except DatabaseFailed as failure:
        raise CommandError(f"{name}: {failure.message}", failure.remedy, Exit.UNREACHABLE) from failure
    except CursorWrong as wrong:
        raise CommandError(f"{name}: {wrong}", "docs/imports.md", Exit.USAGE) from wrong
    state = report.state
    taken, known, bad = (state.taken, state.known, state.bad)
    if before is not None:
        taken, known, bad = (taken - before.taken, known - before.known, bad - before.bad)
    if as_json:
        errors = [asdict(each) for each in report.errors]
        say_json({"taken": taken, "known": known, "refused": bad, "errors": errors, "pull": state})
    else:
        if dry_run:
            say_columns(report.columns)
        say_refused(name, report.errors, bad)
        say(f"{taken:,} {'can be read' if dry_run else 'taken'}, {known:,} known already, {bad:,} refused")
    raise typer.Exit(Exit.FINDINGS if bad else Exit.OK)


@asynccontextmanager
async def _opened(workspace: Path, data: Path | None) -> AsyncGenerator[Puller]:
    settings = load_settings(workspace, data)
    async with store_of(settings) as store:
        yield build_puller(settings, store, lambda _: None)


def _unknown(error: UnknownPull) -> CommandError:
    known = ", ".join(error.known) or "none: docs/imports.md shows how to write pulls.yaml"
    return CommandError(str(error), f"there are: {known}", Exit.USAGE)


def _said(run: ImportState | None) -> str:
    if run is None or run.began is None:
        return "never read yet"
    if run.failure is not None:
        return f"the run of {run.began:%Y-%m-%d %H:%M} UTC failed: {run.failure}"
    if not run.done:
        return f"under way since {run.began:%Y-%m-%d %H:%M} UTC"
    return f"read at {run.at:%Y-%m-%d %H:%M} UTC"
