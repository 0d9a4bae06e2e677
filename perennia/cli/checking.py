"""A workspace held against the store of its installation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from perennia.catalog import Finding, Workspace
from perennia.catalog.check_installation import InstallationWords, check_published, check_words
from perennia.core.definitions import Playbook
from perennia.core.documents import PlaybookBody
from perennia.settings import load_settings
from perennia.store.port import Store
from perennia.store.records import Words
from perennia.wiring import opened_store


def check_against_store(workspace: Workspace, data: Path | None) -> list[Finding]:
    """What the installation's data and its current revision have to say. Raises the store's and the settings' errors."""
    return asyncio.run(_findings(workspace, data))


async def _findings(workspace: Workspace, data: Path | None) -> list[Finding]:
    async with opened_store(load_settings(workspace.folder, data)) as store:
        words: Words = await store.words()
        published = await _published(store)
        totals = await store.totals()
    known = InstallationWords(words.events, {"contact": words.contact_traits, "account": words.account_traits})
    inside = {name: counts.get("active", 0) for name, counts in totals.enrollments.items()}
    return [*check_words(workspace, known), *check_published(workspace, published, inside)]


async def _published(store: Store) -> dict[str, Playbook]:
    revision = await store.current_revision()
    if revision is None:
        return {}
    catalog = await store.catalog(revision.id)
    return {
        document.id: Playbook.model_validate(msgspec.json.decode(document.body, type=PlaybookBody).definition)
        for document in catalog.current
        if document.kind == "playbook"
    }
