"""Looks for an audience over several processes, each of which reads its own pages of the store. Reads only."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from perennia.audience_pages import Looking, Page, look_at
from perennia.cli.stored import store_of
from perennia.cli.suite import cores
from perennia.core.audiences import Asked, Look
from perennia.opening import opened_store
from perennia.settings import Settings

R = TypeVar("R")
PAGE: Final = 2_000  # customers: each page opens the store anew, which takes as long as 500 of them
WORTH_A_PROCESS: Final = 2  # so many pages: to start one takes about as long


@dataclass(frozen=True)
class Search(Generic[R]):
    """``work``: what is made of a page's members, by whichever process found them: plain data.

    ``permissions``: also what admission asks for; ``pages``: what each is asked for by.
    """

    settings: Settings
    look: Look
    pages: Sequence[str]
    work: Callable[[Look, Page], R]
    permissions: bool = False


async def search_for(
    settings: Settings, asked: Asked, now: datetime, work: Callable[[Look, Page], R], *, permissions: bool = False
) -> Search[R]:
    """Raises as `look_at` and `store_of` do."""
    async with store_of(settings) as store:
        look = await look_at(store, asked, now)
        pages = await store.candidate_pages(look.audience.scope, PAGE)
    return Search(settings, look, pages, work, permissions)


def run_search(search: Search[R], jobs: int | None) -> Iterator[tuple[int, R]]:
    """Page by page, in order: how many were looked at, and what was made of those who belong to the audience."""
    global _search  # noqa: PLW0603 - children are forked with it: compiled catalogs cannot be sent
    _search = search
    wanted = min(jobs or cores(), 1 + len(search.pages) // WORTH_A_PROCESS)
    if wanted == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(_look, search.pages)
        return
    with multiprocessing.get_context("fork").Pool(wanted) as pool:
        yield from pool.imap(_look, search.pages)


# --- in each process ------------------------------------------------------------------------------------------------

_search: Search[Any] | None = None


def _look(after: str) -> tuple[int, Any]:
    search = _search
    assert search is not None  # noqa: S101 - set before anybody is forked
    return asyncio.run(_page(search, after))


async def _page(search: Search[Any], after: str) -> tuple[int, Any]:
    async with opened_store(search.settings) as store:
        found = await Looking(store, search.look, permissions=search.permissions).page(after)
    return found.looked, search.work(search.look, found)
