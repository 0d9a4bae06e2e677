"""An import from its first row to its last: in batches, noted in the store, and gone on with where it was broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import msgspec

from perennia.clock import Clock
from perennia.files.reading import Row
from perennia.importing.mapping import ColumnMap
from perennia.importing.rows import Consent, RowError, RowReader, Told
from perennia.store.import_records import ImportState
from perennia.store.permission_records import ConsentOutcome, Suppression
from perennia.store.port import Store, UnknownCustomer
from perennia.store.records import Accepted

BATCH: Final = 1_000  # rows a transaction: 0.3 s of a processor on SQLite, for which whoever else writes waits
MOST_ERRORS: Final = 1_000  # told of one import; the count is of all


@dataclass
class Report:
    """``errors``: the first thousand. ``columns``: what each is taken for: a part of the kind, a trait's name, or `IGNORE`."""

    state: ImportState
    errors: list[RowError] = field(default_factory=list[RowError])
    columns: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Taken:
    """What became of a batch: rows that were new, rows that were known, rows that were refused."""

    new: int
    known: int
    wrong: list[RowError]


@dataclass(frozen=True)
class Intake:
    """Takes batches of rows into the store. ``dry_run``: none is taken. ``ring`` is told whose bells were set."""

    store: Store
    clock: Clock
    columns: ColumnMap
    dry_run: bool = False
    ring: Callable[[Sequence[str]], None] = lambda _: None

    async def take(self, reader: RowReader, batch: Sequence[Row]) -> Taken:
        told: list[tuple[Row, Told]] = []
        wrong: list[RowError] = []
        for row in batch:
            read = reader.read(row)
            if isinstance(read, RowError):
                wrong.append(read)
            else:
                told.append((row, read))
        new = len(told) if self.dry_run else await self._hand_in(told, wrong)
        return Taken(new, len(batch) - new - len(wrong), wrong)

    async def _hand_in(self, told: Sequence[tuple[Row, Told]], wrong: list[RowError]) -> int:
        """How many rows were new."""
        now = self.clock.now()
        items = [each for _, each in told if isinstance(each, tuple)]
        if items:
            return await self._accept(items)
        closed = [each for _, each in told if isinstance(each, Suppression)]
        if closed:
            return await self.store.suppress_all(closed, now)
        return sum([await self._say(row, each, wrong) for row, each in told if isinstance(each, Consent)])

    async def _accept(self, items: Sequence[tuple[Accepted, ...]]) -> int:
        """A row may be two items, known or new together."""
        flat = [each for several in items for each in several]
        do = self.store.accept_past if self.columns.kind == "events" else self.store.accept
        receipt = await do(flat, self.clock.now())
        self.ring(receipt.rung)
        return len(items) - receipt.duplicates * len(items) // len(flat)

    async def _say(self, row: Row, consent: Consent, wrong: list[RowError]) -> bool:
        try:
            customer = await self.store.find(consent.customer, "contact")
        except UnknownCustomer:
            wrong.append(
                RowError(row.number, None, f"there is no contact {consent.customer!r}; import the customers first")
            )
            return False
        return await self.store.say_consent(customer, consent.said) is not ConsentOutcome.UNCHANGED


@dataclass
class Import:
    """``tell`` hears of each batch how far it is. ``dry_run``: every row is read, none is taken, nothing is noted."""

    store: Store
    clock: Clock
    columns: ColumnMap
    tell: Callable[[ImportState], None]
    dry_run: bool = False

    async def run(self, rows: Iterable[Row], begun: ImportState) -> Report:
        """``begun``: how far it was; rows up to that one are passed over. The same rows again change nothing."""
        reader = RowReader(self.columns, begun.id, self.clock.now())
        intake = Intake(self.store, self.clock, self.columns, self.dry_run)
        report = Report(begun, columns=reader.targets)
        for batch in _batches(row for row in rows if row.number > begun.row):
            taken = await intake.take(reader, batch)
            report.errors += taken.wrong[: MOST_ERRORS - len(report.errors)]
            report.state = counted(report.state, taken, batch[-1].number, self.clock)
            await self._note(report.state)
        report.state = msgspec.structs.replace(report.state, done=True)
        await self._note(report.state)
        return report

    async def _note(self, state: ImportState) -> None:
        """After its rows are in: where that is broken off in between, they are looked at again, and known."""
        if not self.dry_run:
            await self.store.note_import(state)
        self.tell(state)


def counted(state: ImportState, taken: Taken, row: int, clock: Clock) -> ImportState:
    """With a batch that ended with ``row``."""
    return msgspec.structs.replace(
        state,
        at=clock.now(),
        row=row,
        taken=state.taken + taken.new,
        known=state.known + taken.known,
        bad=state.bad + len(taken.wrong),
    )


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch
