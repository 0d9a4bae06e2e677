"""What commands say: tables and lines for people, or one JSON document a command.

Rich is loaded for tables and where somebody looks at a terminal: a quarter of a second that pipes need not wait for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

UNFOLDED: Final = 10_000  # columns


def say(line: str = "", style: str | None = None) -> None:
    """One line for people; its text is taken as it is, no markup."""
    if sys.stdout.isatty():
        _console().print(line, style=style, markup=False)
    else:
        sys.stdout.write(f"{line}\n")


def say_json(value: object) -> None:
    """One line of JSON, for programs."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose cells are taken as they are."""
    from rich.markup import escape  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    _console().print(table)


def complain(message: str, remedy: str | None, *, as_json: bool) -> None:
    """One line on standard error."""
    if as_json:
        sys.stderr.write(msgspec.json.encode({"error": message, "remedy": remedy}).decode() + "\n")
        return
    line = " ".join((f"{message}; {remedy}" if remedy else message).split())
    _say_on_error(f"perennia: {line}", "red")


def note(line: str) -> None:
    """One line about the command's progress, on standard error: standard output stays what was asked for."""
    _say_on_error(line, "dim")


def _say_on_error(line: str, style: str) -> None:
    if sys.stderr.isatty():
        _error_console().print(line, style=style, markup=False)
    else:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


@cache
def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    # What a program reads, or somebody looks for in a file, is not folded at a width that nobody sees.
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else UNFOLDED)


@cache
def _error_console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True, highlight=False, soft_wrap=True)
