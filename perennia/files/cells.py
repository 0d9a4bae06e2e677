"""Cells of CSV files that people open in spreadsheets.

A cell that begins like a formula is one to a spreadsheet (https://owasp.org/www-community/attacks/CSV_Injection), and addresses
may begin so. It is written with an apostrophe in front, which is taken away again when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_SHIELDED: Final = re.compile(r"'+[=+\-@\t\r]")
# A number is none, whatever its sign.
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def shielded(cell: str) -> str:
    """The text as no spreadsheet takes it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def bare(cell: str) -> str:
    """What `shielded` was given, without blanks around it."""
    cell = cell.strip(" ")
    return (cell[1:] if _SHIELDED.match(cell) else cell).strip()


def cell_of(value: object) -> str:
    """The value as a safe cell: nothing for null, instants in ISO 8601 (UTC), lists and mappings as JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return shielded(value)
        case datetime():
            return instant_text(value)
        case list() | dict():
            return shielded(msgspec.json.encode(value).decode())
        case _:
            return shielded(str(value))


def instant_text(instant: datetime) -> str:
    """``2026-03-02T10:00:00Z``, with microseconds where there are some."""
    return instant.isoformat().replace("+00:00", "Z")


def cells_of(row: Mapping[str, object], columns: tuple[str, ...]) -> list[str]:
    return [cell_of(row.get(column)) for column in columns]
