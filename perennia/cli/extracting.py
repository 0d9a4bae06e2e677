"""Everything of one kind into a file, from the store itself, a page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import who
from perennia.cli.stored import store_of
from perennia.clock import WallClock
from perennia.core.json_values import JsonObject
from perennia.files.reading import FileError
from perennia.files.writing import WRITTEN, write_rows
from perennia.settings import Settings
from perennia.store.import_records import ExtractKind
from perennia.store.port import Store
from perennia.store.records import AuditEntry

EXTRACTS: Final[tuple[ExtractKind, ...]] = get_args(ExtractKind)
PAGE: Final = 1_000
# Of people the traits that anybody has come behind.
_COLUMNS: Final[dict[ExtractKind, tuple[str, ...]]] = {
    "customers": ("id", "account", "first_seen"),
    "accounts": ("id", "first_seen"),
    "events": ("customer", "event", "at", "message_id", "properties"),
    "messages": (
        *("customer", "key", "playbook", "step", "template", "topic", "status", "reason"),
        *("provider", "provider_id", "address", "released_at", "ended_at"),
    ),
    "consents": ("customer", "topic", "given", "at", "source"),
    "suppressions": ("address", "reason", "at"),
}


def extract(settings: Settings, kind: ExtractKind, file: Path | None) -> int:
    """Writes the file; how many rows. Raises `CommandError`."""
    if file is None or file.suffix.lower() not in WRITTEN:
        remedy = f"name a file that ends with {', '.join(WRITTEN)}"
        raise CommandError(f"{file or 'the standard output'} does not say as what to write {kind}", remedy, Exit.USAGE)
    try:
        with asyncio.Runner() as runner:
            return _write(runner, settings, kind, file)
    except FileError as error:
        raise CommandError(error.message, error.remedy, Exit.USAGE) from error


def _write(runner: asyncio.Runner, settings: Settings, kind: ExtractKind, file: Path) -> int:
    opened = store_of(settings)
    store = runner.run(opened.__aenter__())
    try:
        at = WallClock(settings.time_scale, settings.time_origin).now()
        runner.run(store.audit(AuditEntry(at=at, by=who(), action="export", subject=kind, detail={})))
        return write_rows(file, runner.run(_columns(store, kind)), _pages(runner, store, kind))
    finally:
        runner.run(opened.__aexit__(None, None, None))


async def _columns(store: Store, kind: ExtractKind) -> tuple[str, ...]:
    if kind not in ("customers", "accounts"):
        return _COLUMNS[kind]
    words = await store.words()
    traits = words.contact_traits if kind == "customers" else words.account_traits
    return (*_COLUMNS[kind], *sorted(traits - set(_COLUMNS[kind])))


def _pages(runner: asyncio.Runner, store: Store, kind: ExtractKind) -> Iterator[list[JsonObject]]:
    after: str | None = None
    while True:
        page = runner.run(store.extract_page(kind, after, PAGE))
        yield [_flat(row) for row in page.rows]
        if page.after is None:
            return
        after = page.after


def _flat(row: JsonObject) -> JsonObject:
    """Traits become columns of their own, without those that are called as one of ours is."""
    traits = row.pop("traits", {})
    return {**traits, **row} if isinstance(traits, dict) else row
