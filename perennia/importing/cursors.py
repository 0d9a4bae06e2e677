"""How far a database was read: the value of a column, kept as text, and behind which of its values nothing is left to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, TypeGuard, cast
from uuid import UUID

Cursor: TypeAlias = int | float | str | Decimal | UUID | datetime | date


class CursorWrong(Exception):
    """The column cannot be a cursor. The message says why and what to do."""


def cursor_text(value: Cursor) -> str:
    """With its type, so that the database gets back what it gave."""
    match value:
        case datetime():
            return f"time:{(value if value.tzinfo is None else value.astimezone(UTC)).isoformat()}"
        case date():
            return f"date:{value.isoformat()}"
        case float():
            return f"float:{value!r}"
        case _:
            return f"{type(value).__name__.lower()}:{value}"


def read_cursor(text: str) -> Cursor:
    """What `cursor_text` was given."""
    kind, _, said = text.partition(":")
    match kind:
        case "time":
            return datetime.fromisoformat(said)
        case "date":
            return date.fromisoformat(said)
        case "int":
            return int(said)
        case "float":
            return float(said)
        case "decimal":
            return Decimal(said)
        case "uuid":
            return UUID(said)
        case _:
            return said


def first_cursor(said: int | str, *, typed: bool) -> Cursor:
    """As somebody wrote it. ``typed``: the database tells instants from texts, as most do and SQLite does not."""
    if isinstance(said, int) or not typed:
        return said
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(said)
        except ValueError:
            continue
    return said


def stepped_back(cursor: Cursor, by: timedelta) -> Cursor:
    """Raises `CursorWrong` for what is no instant."""
    if not by:
        return cursor
    if not isinstance(cursor, datetime):
        raise CursorWrong("an overlap needs a cursor that is an instant; leave `overlap` out")
    return cursor - by


def is_cursor(value: object) -> TypeGuard[Cursor]:
    return isinstance(value, int | float | str | Decimal | UUID | date) and not isinstance(value, bool)


@dataclass
class Frontier:
    """``behind``: all rows up to and with this value were read; None: not known of any. ``last``: of the last row.

    Rows of the last row's own value may still come.
    """

    behind: Cursor
    last: Cursor

    def to(self, value: Cursor) -> None:
        """A row has come. Raises `CursorWrong` where it should have come earlier."""
        if value == self.last:
            return
        if is_before(value, self.last):
            raise CursorWrong(
                "the rows do not come in the order of the cursor; end the query with ORDER BY and its column"
            )
        self.behind, self.last = self.last, value


def is_before(one: Cursor, other: Cursor) -> bool:
    """False where it cannot be said: each database sorts texts in an order of its own."""
    if isinstance(one, str) or isinstance(other, str):
        is_time = one.__class__ is other.__class__ and _begins_with_a_day(str(one)) and _begins_with_a_day(str(other))
        return is_time and str(one) < str(other)
    try:
        return bool(cast("Any", one) < other)  # of one type, or see below
    except TypeError as error:
        raise CursorWrong("the cursor's column holds values of several types; CAST it in the query") from error


def _begins_with_a_day(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
