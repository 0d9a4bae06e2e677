"""Where a list goes on: behind the row of an instant and a key, the last instant first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, false, or_

from perennia.store.columns import instant, microseconds

_DIGITS = 19  # of the largest number that a database holds


def cursor_of(at: datetime, key: str) -> str:
    """The cursor of a row: what a list is asked to go on behind."""
    return f"{microseconds(at)}-{key}"


def behind(at: Column[Any], key: Column[Any], cursor: str | None) -> list[ColumnElement[bool]]:
    """What comes after the row with this cursor, where a list goes by ``at`` backwards and then by ``key``.

    A cursor that is none: nothing does.
    """
    if cursor is None:
        return []
    number, _, name = cursor.partition("-")
    if not (number.isdecimal() and number.isascii() and len(number) < _DIGITS):
        return [false()]
    here = instant(int(number))
    return [or_(at < here, and_(at == here, key > name))]
