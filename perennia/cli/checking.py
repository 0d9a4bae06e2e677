"""A workspace held against the store of its installation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from perennia.catalog import Finding, Workspace
from perennia.catalog.check_installation import InstallationWords, check_published, check_words
from perennia.cli.stored import store_of
from perennia.core.definitions import Playbook
from perennia.core.documents import PlaybookBody
from perennia.settings import load_settings
from perennia.store.port import Store
from perennia.store.records import Words


def check_against_store(workspace: Workspace, data: Path | None) -> list[Finding]:
    """What the installation's data and its current revision have to say. Raises the store's and the settings' errors."""
    return asyncio.run(_findings(workspace, data))


async def _findings(workspace: Workspace, data: Path | None) -> list[Finding]:
    async with store_of(load_settings(workspace.folder, data)) as store:
        known = _known(await store.words())
        published = await _published(store)
        totals = await store.totals()
    inside = {name: counts.get("active", 0) for name, counts in totals.enrollments.items()}
    return [*check_words(workspace, known), *check_published(workspace, published, inside)]


@dataclass(frozen=True)
class Unseen:
    """An event or trait that an installation has never been told of. ``readers``: the definitions that read it."""

    kind: str
    name: str
    scope: str
    readers: tuple[str, ...]


def unseen(shipped: Workspace, paths: Sequence[str], folder: Path, data: Path | None) -> list[Unseen]:
    """What the definitions in these files of ``shipped`` read and the installation of ``folder`` has never seen, sorted."""
    known = asyncio.run(_words(folder, data))
    places = {(use.path, use.line, use.column): use for use in shipped.uses if use.path in paths}
    found = [places.get((each.path, each.line, each.column)) for each in check_words(shipped, known)]
    readers: dict[tuple[str, str, str], set[str]] = {}
    for use in found:
        if use is not None:
            readers.setdefault((use.kind, use.name, use.scope), set()).add(Path(use.path).stem)
    return [Unseen(*lacked, tuple(sorted(names))) for lacked, names in sorted(readers.items())]


async def _words(folder: Path, data: Path | None) -> InstallationWords:
    async with store_of(load_settings(folder, data)) as store:
        return _known(await store.words())


def _known(words: Words) -> InstallationWords:
    return InstallationWords(words.events, {"contact": words.contact_traits, "account": words.account_traits})


async def _published(store: Store) -> dict[str, list[Playbook]]:
    """By playbook its current version and the former ones that somebody is in."""
    revision = await store.current_revision()
    if revision is None:
        return {}
    catalog = await store.catalog(revision.id)
    found: dict[str, list[Playbook]] = {}
    for document in (*catalog.current, *catalog.past):
        if document.kind == "playbook":
            body = msgspec.json.decode(document.body, type=PlaybookBody)
            found.setdefault(document.id, []).append(Playbook.model_validate(body.definition))
    return found
