"""What commands that take in rows say while they do, and of the rows that are refused."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from perennia.cli.speech import note, say
from perennia.importing.mapping import IGNORE
from perennia.importing.rows import RowError
from perennia.store.import_records import ImportState

TELL_EVERY: Final = 5.0  # seconds


class RowProgress:
    def __init__(self) -> None:
        self._told = self._began = time.monotonic()
        self._first: int | None = None

    def tell(self, state: ImportState) -> None:
        """A line now and then."""
        now = time.monotonic()
        if self._first is None:
            self._first = state.row
        if now - self._told >= TELL_EVERY:
            self._told = now
            rate = (state.row - self._first) / (now - self._began)
            note(f"row {state.row:,}, {rate:,.0f} a second, {state.bad:,} refused")


def say_columns(columns: Mapping[str, str]) -> None:
    """What each was taken for: that of a misspelt name nothing was made is seen before anything is taken."""
    for column, target in columns.items():
        say(f"{column} -> {'left out' if target == IGNORE else target}")


def say_refused(source: str, errors: Sequence[RowError], bad: int) -> None:
    """``source``: what the rows come from; ``bad``: how many were refused, of which ``errors`` are the first."""
    for each in errors:
        column = f", column {each.column}" if each.column is not None else ""
        say(f"{source}: row {each.row}{column}: {each.message}", "red")
    if bad > len(errors):
        say(f"and {bad - len(errors):,} more")
