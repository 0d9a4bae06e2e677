"""Writes the tables of the docs that the code knows best: settings, commands, exit codes, reason codes.

``make docs`` writes; a test of the house fails where a table is not what this would write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import typer.main
from click import Command, Group
from pydantic import SecretStr

from perennia.cli.exits import Exit
from perennia.cli.main import app
from perennia.core.decisions import Reason
from perennia.settings import PREFIX, Settings
from perennia.why.reasons import meaning

ROOT = Path(__file__).resolve().parents[1]


def settings_table() -> str:
    return _table(("variable", "in the file", "default", "meaning"), _settings())


def _settings() -> Iterator[tuple[str, ...]]:
    for name, field in Settings.model_fields.items():
        default: object = field.get_default(call_default_factory=True)
        shown = "" if default in (None, ()) or isinstance(default, SecretStr) else f"`{default}`"
        yield f"`{PREFIX}{name.upper()}`", f"`{name}`", shown, field.description or ""


def exit_codes_table() -> str:
    """The comment behind each code is its meaning."""
    meanings = dict(re.findall(r"(\w+) = \d+  # (.+)", inspect.getsource(Exit)))
    return _table(
        ("code", "name", "meaning"), [(str(code.value), code.name.lower(), meanings[code.name]) for code in Exit]
    )


def reasons_table() -> str:
    return _table(("code", "meaning"), [(f"`{reason}`", meaning(reason) or "") for reason in Reason])


def commands_table() -> str:
    return _table(("command", "does"), _commands(typer.main.get_command(app), "perennia"))


def _commands(command: Command, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(command, Group):
        for name, inner in sorted(command.commands.items()):
            yield from _commands(inner, f"{path} {name}")
    elif not command.hidden:
        context = command.make_context("", [], resilient_parsing=True)
        arguments = [each.make_metavar(context) for each in command.params if each.param_type_name == "argument"]
        yield f"`{' '.join([path, *arguments])}`", (command.help or "").split("\n\n")[0].replace("\n", " ")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(heads)
    return "\n".join([_row(heads), rule, *(_row(row) for row in rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "settings": (ROOT / "docs/operations.md", settings_table),
    "commands": (ROOT / "docs/operations.md", commands_table),
    "exit codes": (ROOT / "docs/operations.md", exit_codes_table),
    "reasons": (ROOT / "docs/playbook-reference.md", reasons_table),
}


def written(name: str) -> tuple[Path, str, str]:
    """The page of this table, what it says, and what it should say."""
    path, make = TABLES[name]
    page = path.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name}: written by make docs -->\n", f"<!-- end {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return path, page, f"{before}{begin}{make()}\n{end}{after}"


def main() -> None:
    for name in TABLES:
        path, page, right = written(name)
        if page != right:
            path.write_text(right, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {name}")


if __name__ == "__main__":
    main()
