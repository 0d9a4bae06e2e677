"""The suppression list as CSV: what spreadsheets and other senders' exports hold, read line by line; and written safely."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from perennia.core.admission import is_address
from perennia.files.cells import bare, shielded
from perennia.store.permission_records import Suppression

COLUMNS = ("address", "reason", "at")
IMPORTED = "imported"
REASON_CHARS = 200
# What other senders call the column in their exports.
_ADDRESS_NAMES = frozenset({"address", "email", "emailaddress", "recipient"})
_AT_NAMES = frozenset({"at", "created", "createdat", "date"})


@dataclass(frozen=True)
class BadRow:
    """``line``: of the file, from 1, where the row ends."""

    line: int
    message: str


@dataclass
class Parsed:
    rows: list[Suppression] = field(default_factory=list[Suppression])
    errors: list[BadRow] = field(default_factory=list[BadRow])


def read_csv(text: str, now: datetime) -> Parsed:
    """Every row that can be read, and why each other one cannot.

    The first line names the columns: ``address`` (also ``email``), and where they are known ``reason`` and ``at``. Without such a
    line the first column is the address. Commas, semicolons or tabs.
    """
    text = text.removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    parsed = Parsed()
    columns: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            parsed.errors.append(BadRow(reader.line_num, f"is no CSV: {error}"))
            return parsed  # what comes after it may stand in any column
        if cells is None:
            return parsed
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _columns(cells)
            if columns:
                continue
            columns = ["address"]
        _take(parsed, reader.line_num, dict(zip(columns, cells, strict=False)), now)


def write_csv(rows: Iterable[Suppression], *, heading: bool) -> str:
    """The rows, with the names of the columns before them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    if heading:
        writer.writerow(COLUMNS)
    for each in rows:
        writer.writerow([shielded(each.address), shielded(each.reason), f"{each.at:%Y-%m-%dT%H:%M:%SZ}"])
    return text.getvalue()


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _columns(cells: Sequence[str]) -> list[str]:
    """What each column is, "" for one that says nothing to us; empty where the line names none."""
    names = [re.sub(r"[\s_-]", "", cell).lower() for cell in cells]
    if not _ADDRESS_NAMES & set(names):
        return []
    return ["address" if name in _ADDRESS_NAMES else "at" if name in _AT_NAMES else name for name in names]


def _take(parsed: Parsed, line: int, row: dict[str, str], now: datetime) -> None:
    try:
        parsed.rows.append(suppression_of(row, now))
    except BadCell as bad:
        parsed.errors.append(BadRow(line, str(bad)))


class BadCell(ValueError):
    """What is wrong with a cell; ``column`` names it."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def suppression_of(row: Mapping[str, str], now: datetime) -> Suppression:
    """What a row says; the address alone must be there. Raises `BadCell`."""
    address = bare(row.get("address", ""))
    if not is_address(address):
        raise BadCell("address", f"{address[:80]!r} is no email address" if address else "has no address")
    reason = bare(row.get("reason", "")) or IMPORTED
    if len(reason) > REASON_CHARS:
        raise BadCell("reason", f"the reason is longer than {REASON_CHARS} characters")
    try:
        at = _instant(row.get("at", "").strip(), now)
    except ValueError:
        raise BadCell("at", f"{row['at'][:40]!r} is no date; write one like 2026-03-02") from None
    return Suppression(address=address, reason=reason, at=at)


def _instant(text: str, now: datetime) -> datetime:
    """Never later than now. Raises ValueError."""
    if not text:
        return now
    read = datetime.fromisoformat(text)
    return min(read if read.tzinfo is not None else read.replace(tzinfo=UTC), now)
