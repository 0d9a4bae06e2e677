"""Commands about segments: how many customers are in one, who, and all of them as a file. They read the store themselves."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TextIO, TypeVar

import typer

from perennia.audience_pages import Page
from perennia.cli.exits import CommandError, Exit
from perennia.cli.looking import PAGE, Search, run_search, search_for
from perennia.cli.options import HERE, AsJson, Data, Workspace
from perennia.cli.progress import progress_bar
from perennia.cli.speech import note, say, say_json, say_table
from perennia.clock import WallClock
from perennia.core.audiences import Asked, Look, MixedScopes, Seen, UnknownSegment
from perennia.core.cel_tokens import ExpressionError
from perennia.core.json_values import Json, JsonObject
from perennia.files.cells import cells_of, shielded
from perennia.settings import Settings, load_settings
from perennia.why.reasons import meaning

R = TypeVar("R")
OWN_COLUMNS: Final = ("id", "account", "email")

segment = typer.Typer(help="Looks who belongs to a segment, or to a condition, right now.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The segment; or say --where.")]
Where = Annotated[str | None, typer.Option(help="A condition, in place of a segment or beside it.", metavar="EXPR")]
Without = Annotated[list[str] | None, typer.Option(help="Not who is in this segment; several times.", metavar="NAME")]
Unless = Annotated[str | None, typer.Option(help="Not those of whom this holds.", metavar="EXPR")]
OfScope = Annotated[str, typer.Option("--scope", help="contact or account, where no segment says it.")]
Jobs = Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Processes; default: one a core.")]
Trait = Annotated[list[str] | None, typer.Option("--trait", help="Also this trait, in a column of its own.")]


class FileFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


def register(app: typer.Typer) -> None:
    app.add_typer(segment, name="segment")


@segment.command()
def size(
    name: Name = None,
    where: Where = None,
    without: Without = None,
    unless: Unless = None,
    scope: OfScope = "contact",
    topic: Annotated[str | None, typer.Option(help="Also who of them a message of this topic could reach now.")] = None,
    jobs: Jobs = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Counts who belongs to a segment now, and who of them could be written to; the others by reason."""
    settings = load_settings(workspace, data)
    asked = _asked(name, where, without, unless, scope)
    search = _prepared(settings, asked, _Counting(topic), permissions=True)
    if topic is not None and topic not in search.look.catalog.policies.topics:
        raise CommandError(f'the policies have no topic "{topic}"', "see `topics` in the policies", Exit.USAGE)
    counted: Counter[str] = Counter()
    for found in _run(search, jobs, quiet=as_json):
        counted.update(found)
    members = counted.pop("members", 0)
    reached = counted.pop("reached", 0)
    if as_json:
        say_json({"members": members, "reached": reached, "left_out": dict(sorted(counted.items()))})
        return
    who = search.look.audience.scope
    say(f"{_named(asked)}: {members:,} {who if members == 1 else f'{who}s'}", "bold")
    if who == "contact" and members:
        say(f"  {reached:,} could be written to now{f' (topic {topic})' if topic else ' (transactional mail)'}")
        for reason, count in counted.most_common():
            say(f"  {count:,} not: {reason} ({meaning(reason) or ''})")


@segment.command("list")
def list_members(
    name: Name = None,
    where: Where = None,
    without: Without = None,
    unless: Unless = None,
    scope: OfScope = "contact",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    trait: Trait = None,
    jobs: Jobs = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Lists who belongs to a segment now."""
    settings = load_settings(workspace, data)
    asked = _asked(name, where, without, unless, scope)
    search = _prepared(settings, asked, _Showing(tuple(trait or ())))
    rows: list[JsonObject] = []
    for found in _run(search, jobs, quiet=as_json):
        rows += found
        if len(rows) > limit:
            break
    if as_json:
        say_json(rows[:limit])
        return
    columns = (*OWN_COLUMNS, *(trait or ()))
    say_table(
        [column.upper() for column in columns], [[_cell(row[column]) for column in columns] for row in rows[:limit]]
    )
    if len(rows) > limit:
        say("There are more: --limit, or `perennia segment export`")


@segment.command()
def export(
    name: Name = None,
    where: Where = None,
    without: Without = None,
    unless: Unless = None,
    scope: OfScope = "contact",
    form: Annotated[FileFormat, typer.Option("--format", help="The file's format.")] = FileFormat.CSV,
    out: Annotated[Path | None, typer.Option(help="The file; default: standard output.", dir_okay=False)] = None,
    trait: Trait = None,
    jobs: Jobs = None,
    workspace: Workspace = HERE,
    data: Data = None,
) -> None:
    """Writes everybody who belongs to a segment now to a file, safe to open in a spreadsheet."""
    settings = load_settings(workspace, data)
    asked = _asked(name, where, without, unless, scope)
    columns = (*OWN_COLUMNS, *(trait or ()))
    search = _prepared(settings, asked, _Showing(tuple(trait or ())))
    count = 0
    with _opened(out) as file:
        table = csv.writer(file, lineterminator="\r\n")
        if form is FileFormat.CSV:
            table.writerow(map(shielded, columns))
        for rows in _run(search, jobs, quiet=out is None):
            count += len(rows)
            if form is FileFormat.CSV:
                table.writerows(cells_of(row, columns) for row in rows)
            else:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    note(f"{count:,} written")


def _asked(name: str | None, where: str | None, without: list[str] | None, unless: str | None, scope: str) -> Asked:
    if name is None and where is None:
        raise CommandError("whom?", "name a segment, or say --where EXPR (--where true is everybody)", Exit.USAGE)
    if scope not in ("contact", "account"):
        raise CommandError(f"--scope {scope} is no scope", "say contact or account", Exit.USAGE)
    return Asked(
        segments=() if name is None else (name,),
        where=where,
        without=tuple(without or ()),
        unless=unless,
        scope=scope,
    )


def _prepared(
    settings: Settings, asked: Asked, work: Callable[[Look, Page], R], *, permissions: bool = False
) -> Search[R]:
    now = WallClock(settings.time_scale, settings.time_origin).now()
    try:
        return asyncio.run(search_for(settings, asked, now, work, permissions=permissions))
    except UnknownSegment as error:
        known = ", ".join(error.known) or "none"
        raise CommandError(
            str(error), f"published are: {known}; `perennia publish` publishes yours", Exit.USAGE
        ) from None
    except MixedScopes as error:
        raise CommandError(str(error), "an audience is one of contacts, or one of accounts", Exit.USAGE) from None
    except ExpressionError as error:
        raise CommandError(f"the condition does not compile: {error}", error.hint, Exit.USAGE) from None


def _run(search: Search[R], jobs: int | None, *, quiet: bool) -> Iterator[R]:
    with progress_bar("customers", len(search.pages) * PAGE, quiet=quiet) as progress:
        done = 0
        for looked, found in run_search(search, jobs):
            done += looked
            progress(done)
            yield found


# --- what is made of a page, in whichever process ---------------------------------------------------------------------


class _Counting:
    def __init__(self, topic: str | None) -> None:
        self._topic = topic

    def __call__(self, look: Look, page: Page) -> dict[str, int]:
        counted = Counter(look.left_out(seen, self._topic) or "reached" for seen in page.members)
        return {"members": len(page.members), **{str(name): count for name, count in counted.items()}}


class _Showing:
    def __init__(self, traits: tuple[str, ...]) -> None:
        self._traits = traits

    def __call__(self, _look: Look, page: Page) -> list[JsonObject]:
        return [self._row(seen) for seen in page.members]

    def _row(self, seen: Seen) -> JsonObject:
        told = seen.state.facts.traits
        own: JsonObject = {"id": seen.candidate.ref, "account": seen.candidate.account, "email": seen.address}
        return {**own, **{name: told.get(name) for name in self._traits}}


# --- telling ----------------------------------------------------------------------------------------------------------


def _named(asked: Asked) -> str:
    said = [*asked.segments, *([] if asked.where is None else [asked.where])]
    left_out = [*asked.without, *([] if asked.unless is None else [asked.unless])]
    return " and ".join(said) + (f" without {' and '.join(left_out)}" if left_out else "")


def _cell(value: Json) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


@contextmanager
def _opened(out: Path | None) -> Generator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        yield file
