"""What is new in somebody else's database, taken in again and again from where the last run ended.

After each batch it is noted how far everything was read. A run that is killed begins there again; rows that were taken already
are known by what they say and where they stand, so nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from perennia.clock import Clock
from perennia.files.reading import Row
from perennia.importing.cursors import (
    Cursor,
    CursorWrong,
    Frontier,
    cursor_text,
    first_cursor,
    is_before,
    is_cursor,
    read_cursor,
    stepped_back,
)
from perennia.importing.database import Cells, DatabaseFailed, address_of, asking, is_sqlite
from perennia.importing.mapping import ColumnMap
from perennia.importing.pull_files import Pull
from perennia.importing.rows import RowError, RowReader
from perennia.importing.running import BATCH, Intake, Report, counted
from perennia.store.import_records import ImportState, RefusedRow
from perennia.store.port import Store

KEPT: Final = 100  # refused rows a pull, the last ones
_QUOTED: Final = re.compile(r"'[^']*'")


class UnknownPull(Exception):
    """``known``: those that there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no pull {name!r}")
        self.known = tuple(known)


@dataclass(frozen=True)
class Puller:
    """``environment`` holds the databases' addresses. ``ring`` is told whose bells were set."""

    store: Store
    clock: Clock
    pulls: Mapping[str, Pull]
    environment: Mapping[str, str]
    ring: Callable[[Sequence[str]], None] = lambda _: None

    async def state(self, name: str) -> ImportState | None:
        """How far it is; None: it never ran."""
        return await self.store.import_state(_id(name))

    async def pull(self, name: str) -> None:
        """Takes in what is new. Raises as `run` does; one that is no more is over."""
        if name in self.pulls:
            await self.run(name)

    async def run(
        self,
        name: str,
        tell: Callable[[ImportState], None] = lambda _: None,
        *,
        dry_run: bool = False,
        again: bool = False,
    ) -> Report:
        """``dry_run``: every new row is read, none is taken, nothing is noted. ``again``: from the start on.

        Raises `UnknownPull`, `DatabaseFailed` and `CursorWrong`; why it stopped is noted.
        """
        if name not in self.pulls:
            raise UnknownPull(name, list(self.pulls))
        pull = self.pulls[name]
        now = self.clock.now()
        before = None if again else await self.state(name)
        fresh = ImportState(id=_id(name), kind=pull.kind, name=name, at=now)
        begun = msgspec.structs.replace(before or fresh, began=now, failure=None, done=False)
        run = _Run(self, pull, Report(begun), tell, dry_run)
        try:
            await run.note()
            await run.read()
        except (DatabaseFailed, CursorWrong) as error:
            run.report.state = msgspec.structs.replace(run.report.state, at=self.clock.now(), failure=str(error))
            await run.note()
            raise
        return run.report


def _id(name: str) -> str:
    return f"pull:{name}"


@dataclass
class _Run:
    puller: Puller
    pull: Pull
    report: Report
    tell: Callable[[ImportState], None]
    dry_run: bool
    columns: ColumnMap = field(init=False)

    def __post_init__(self) -> None:
        self.columns = self.pull.map()

    async def note(self) -> None:
        if not self.dry_run:
            await self.puller.store.note_import(self.report.state)
        self.tell(self.report.state)

    async def read(self) -> None:
        told = self.puller.environment.get(self.pull.url)
        if not told:
            raise DatabaseFailed(
                f"the variable {self.pull.url} is not set", "set it to the database's address, where workers run"
            )
        url = address_of(told)
        kept = self.report.state.cursor
        reached = first_cursor(self.pull.start, typed=not is_sqlite(url)) if kept is None else read_cursor(kept)
        bound = reached if kept is None else stepped_back(reached, self.pull.back)
        frontier = Frontier(bound, bound)
        async with asking(url, self.pull.query, bound) as fetch:
            while rows := await fetch(BATCH):
                await self._take(rows, frontier)
                await self._reach(frontier.behind, reached)
        self.report.state = msgspec.structs.replace(self.report.state, at=self.puller.clock.now(), done=True)
        await self._reach(frontier.last, reached)

    async def _reach(self, cursor: Cursor, before: Cursor) -> None:
        """An overlap never leads back behind what was reached before."""
        if not is_before(cursor, before):
            self.report.state = msgspec.structs.replace(self.report.state, cursor=cursor_text(cursor))
        await self.note()

    async def _take(self, rows: Sequence[Cells], frontier: Frontier) -> None:
        state, clock = self.report.state, self.puller.clock
        batch = [self._row(cells, state.row + number, frontier) for number, cells in enumerate(rows, start=1)]
        intake = Intake(self.puller.store, clock, self.columns, self.dry_run, self.puller.ring)
        reader = RowReader(self.columns, state.id, clock.now())
        taken = await intake.take(reader, batch)
        self.report.columns.update(reader.targets)
        self.report.errors += taken.wrong[: KEPT - len(self.report.errors)]
        marks = {row.number: row.mark for row in batch}
        refused = [self._refused(each, marks[each.row]) for each in taken.wrong]
        state = msgspec.structs.replace(state, refused=(*state.refused, *refused)[-KEPT:])
        self.report.state = counted(state, taken, batch[-1].number, clock)

    def _row(self, cells: Cells, number: int, frontier: Frontier) -> Row:
        """Raises `CursorWrong`."""
        if self.pull.cursor not in cells:
            columns = ", ".join(cells)
            raise CursorWrong(f"the query has no column {self.pull.cursor!r}, the cursor; it has {columns}")
        value = cells[self.pull.cursor]
        if value is None:
            return Row(number, error="has no cursor: nobody could say whether it is new")
        if not is_cursor(value):
            raise CursorWrong(f"the cursor holds {type(value).__name__}; CAST it to a number, a text or an instant")
        frontier.to(value)
        mark = cursor_text(value)
        if self.pull.kind == "consents" and not any(self.columns.target(each) == "at" for each in cells):
            return Row(number, error="does not say when; name the column with `columns: {COLUMN: at}`", mark=mark)
        return Row(number, cells, mark=mark)

    def _refused(self, error: RowError, mark: str) -> RefusedRow:
        """What a cell said is left out: nobody who is erased must stay here."""
        message = _QUOTED.sub("'...'", error.message)
        return RefusedRow(self.puller.clock.now(), mark.partition(":")[2], message, error.column)
