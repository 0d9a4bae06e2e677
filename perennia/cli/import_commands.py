"""`perennia import KIND FILE`: customers, accounts, events, consents, suppressions from CSV, JSON lines or Parquet."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Workspace, who
from perennia.cli.row_progress import RowProgress, say_columns, say_refused
from perennia.cli.speech import note, say, say_json
from perennia.cli.stored import store_of
from perennia.clock import WallClock
from perennia.files.reading import FileError, digest_of, read_rows
from perennia.importing.mapping import ColumnMap, Kind, MappingError, read_mapping
from perennia.importing.running import Import, Report
from perennia.settings import Settings, load_settings
from perennia.store.import_records import ImportState
from perennia.store.records import AuditEntry


def register(app: typer.Typer) -> None:
    app.command("import")(import_)


def import_(
    kind: Annotated[Kind, typer.Argument(help="What the rows are.")],
    file: Annotated[Path, typer.Argument(help=".csv, .tsv, .jsonl or .parquet.", exists=True, dir_okay=False)],
    maps: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=TARGET, once each: id, a trait's name, - for nothing.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="The same as YAML: columns, text, key.", exists=True, dir_okay=False)
    ] = None,
    text: Annotated[list[str] | None, typer.Option(help="A column that holds no numbers, once each.")] = None,
    key: Annotated[str | None, typer.Option(help="The column that names a row for good.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong with it.")] = False,
    again: Annotated[bool, typer.Option("--again", help="From the first row, though it was imported before.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Takes in a file of any size, and says of each row that it refuses why. Broken off, it goes on where it was.

    The same file again changes nothing. Events are history: they are counted and start nothing. Exit code 1: rows were refused.
    """
    try:
        columns = read_mapping(kind, mapping, maps or [], text or [], key)
        report = asyncio.run(_import(load_settings(workspace, data), columns, file, dry_run=dry_run, again=again))
    except (FileError, MappingError) as error:
        raise CommandError(error.message, error.remedy, Exit.USAGE) from error
    if as_json:
        say_json({"import": report.state, "errors": [asdict(each) for each in report.errors]})
    else:
        _say(file, report, dry_run=dry_run)
    raise typer.Exit(Exit.FINDINGS if report.state.bad else Exit.OK)


async def _import(settings: Settings, columns: ColumnMap, file: Path, *, dry_run: bool, again: bool) -> Report:
    clock = WallClock(settings.time_scale, settings.time_origin)
    read_as = repr((columns.kind, sorted(columns.columns.items()), sorted(columns.text), columns.key))
    id_ = hashlib.sha256(f"{digest_of(file)}{read_as}".encode()).hexdigest()[:32]
    fresh = ImportState(id=id_, kind=columns.kind, name=file.name, at=clock.now())
    async with store_of(settings) as store:
        begun = None if dry_run or again else await store.import_state(id_)
        if begun is not None and begun.done:
            note(f"{file} was imported at {begun.at:%Y-%m-%d %H:%M} UTC; --again goes through it once more")
            return Report(begun)
        if begun is not None:
            note(f"going on behind row {begun.row:,}")
        if not dry_run:
            entry = AuditEntry(at=clock.now(), by=who(), action="import", subject=columns.kind, detail={"id": id_})
            await store.audit(entry)
        return await Import(store, clock, columns, RowProgress().tell, dry_run).run(read_rows(file), begun or fresh)


def _say(file: Path, report: Report, *, dry_run: bool) -> None:
    state = report.state
    if dry_run:
        say_columns(report.columns)
    say_refused(str(file), report.errors, state.bad)
    what = "can be read" if dry_run else "taken"
    known = "" if dry_run else f", {state.known:,} known already"
    say(f"{state.taken:,} {what}{known}, {state.bad:,} refused")
