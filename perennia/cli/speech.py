"""What commands say: tables and lines for people, or one JSON document a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_OUT = Console(highlight=False, soft_wrap=True)
_ERRORS = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str = "", style: str | None = None) -> None:
    """One line for people; its text is taken as it is, no markup."""
    _OUT.print(escape(line), style=style)


def say_json(value: object) -> None:
    """One line of JSON, for programs."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose cells are taken as they are."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    _OUT.print(table)


def complain(message: str, remedy: str | None, *, as_json: bool) -> None:
    """One line on standard error."""
    if as_json:
        sys.stderr.write(msgspec.json.encode({"error": message, "remedy": remedy}).decode() + "\n")
        return
    line = " ".join((f"{message}; {remedy}" if remedy else message).split())
    _ERRORS.print(f"[bold red]perennia:[/] {escape(line)}")


def note(line: str) -> None:
    """One line about the command's progress, on standard error: standard output stays what was asked for."""
    _ERRORS.print(escape(line), style="dim")
