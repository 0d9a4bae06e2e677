"""Writes the tables of the docs that the code knows best: settings, commands, scopes, exit codes, reason codes.

``make docs`` writes; a test of the house fails where a table is not what this would write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import SecretStr
from typer import Typer
from typer.models import ArgumentInfo

from perennia.access.scopes import ALLOWS
from perennia.api.app import create_app
from perennia.catalog.codes import CODES
from perennia.cli.exits import Exit
from perennia.cli.main import build_app
from perennia.clock import WallClock
from perennia.core.decisions import Reason
from perennia.providers.email import email_provider
from perennia.settings import PREFIX, Settings
from perennia.why.reasons import meaning
from tools.write_picture import PICTURE, picture_text
from tools.write_schema import SCHEMA, schema_text

ROOT = Path(__file__).resolve().parents[1]


def command_names() -> frozenset[str]:
    """Everything that may follow ``perennia``."""
    return frozenset(re.findall(r"`perennia ([a-z-]+)", commands_table()))


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


def codes_table() -> str:
    return _table(("code", "meaning"), [(f"`{code}`", meaning) for code, meaning in CODES.items()])


def commands_table() -> str:
    return _table(("command", "does"), _commands(build_app(), "perennia"))


def _commands(group: Typer, path: str) -> Iterator[tuple[str, str]]:
    for info in group.registered_commands:
        if info.callback is not None and not info.hidden:
            name = info.name or info.callback.__name__.replace("_", "-")
            promise = (info.help or inspect.getdoc(info.callback) or "").split("\n\n")[0].replace("\n", " ")
            yield f"`{' '.join([path, name, *_arguments(info.callback)])}`", promise
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from _commands(inner.typer_instance, f"{path} {inner.name}")


def _arguments(command: Callable[..., object]) -> Iterator[str]:
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        metadata: tuple[object, ...] = getattr(hints[parameter.name], "__metadata__", ())
        if any(isinstance(each, ArgumentInfo) for each in metadata):
            name = parameter.name.upper()
            yield name if parameter.default is parameter.empty else f"[{name}]"


def providers_table() -> str:
    heads = ("provider", "URL", "knows a key again", "keeps Message-ID", "any local part", "largest message")
    return _table(heads, _providers())


def _providers() -> Iterator[tuple[str, ...]]:
    """One line for each adapter: several schemes may lead to one."""
    for form in PROVIDER_URLS:
        provider = email_provider(form)
        can = provider.capabilities
        hours = f" for {can.remembers // timedelta(hours=1)} hours" if can.remembers else ""
        yield (
            provider.name,
            f"`{form}`",
            f"yes{hours}" if can.idempotent else "no",
            "yes" if can.keeps_message_id else "no",
            "yes" if can.any_local_part else "no",
            f"{can.limit_bytes // 1_000_000} MB" if can.limit_bytes else "as the server says",
        )


def scopes_table() -> str:
    return _table(("scope", "allows to", "calls"), _scopes())


def _scopes() -> Iterator[tuple[str, ...]]:
    calls: dict[str, list[str]] = {}
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            for needed in operation.get("security", []):
                for scope in needed["key"]:
                    calls.setdefault(scope, []).append(f"`{method.upper()} {path}`")
    for scope, words in ALLOWS.items():
        yield f"`{scope}`", words, ", ".join(calls.get(scope, []))


def described() -> dict[str, Any]:
    """The OpenAPI document. Nothing is called, so nothing needs to be behind it."""
    nothing: Any = object()
    app = create_app(
        store=nothing,
        bells=nothing,
        links=nothing,
        clock=WallClock(),
        write_keys=["write"],
        admin_key="administration-key",
    )
    return app.openapi()


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(heads)
    return "\n".join([_row(heads), rule, *(_row(row) for row in rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


# One of each adapter, as its URL looks.
PROVIDER_URLS = (
    "smtp://USER:PASSWORD@HOST:587",
    "resend:KEY",
    "postmark:SERVER_TOKEN",
    "ses:KEY_ID:SECRET@REGION",
    "sendgrid:KEY",
    "mailgun:KEY@DOMAIN",
)

TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "settings": (ROOT / "docs/operations.md", settings_table),
    "commands": (ROOT / "docs/operations.md", commands_table),
    "exit codes": (ROOT / "docs/operations.md", exit_codes_table),
    "scopes": (ROOT / "docs/api.md", scopes_table),
    "codes": (ROOT / "docs/checking.md", codes_table),
    "providers": (ROOT / "docs/providers.md", providers_table),
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
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PICTURE.write_text(picture_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
