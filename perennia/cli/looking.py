"""Looks for an audience over several processes, each of which reads its own pages of the store. Reads only."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
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
PAGE: Final = 2_000  # customers: 8 MB of states, and a fifth of a second
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
    wanted = min(jobs or cores(), 1 + len(search.pages) // WORTH_A_PROCESS)
    if wanted == 1 or "fork" not in multiprocessing.get_all_start_methods():
        with closing(_Lookout(search)) as lookout:
            yield from map(lookout.page, search.pages)
        return
    global _search  # noqa: PLW0603 - children are forked with it: compiled catalogs cannot be sent
    _search = search
    with multiprocessing.get_context("fork").Pool(wanted, _begin) as pool:
        yield from pool.imap(_look, search.pages)
        pool.close()
        pool.join()


# --- in each process ------------------------------------------------------------------------------------------------


class _Lookout(Generic[R]):
    """One process's own way into the store. Opened once: that takes as long as looking at some hundred customers."""

    def __init__(self, search: Search[R]) -> None:
        self._search = search
        self._runner = asyncio.Runner()
        self._opened = AsyncExitStack()
        self._store = self._runner.run(self._opened.enter_async_context(opened_store(search.settings)))

    def page(self, after: str) -> tuple[int, R]:
        with _collector_at_rest():
            search = self._search
            looking = Looking(self._store, search.look, permissions=search.permissions)
            found = self._runner.run(looking.page(after, PAGE))
            return found.looked, search.work(search.look, found)

    def close(self) -> None:
        self._runner.run(self._opened.aclose())
        self._runner.close()


@contextmanager
def _collector_at_rest() -> Generator[None]:
    """Without Python's search for circles of objects: with it a page takes 2.7 times as long, and its 2,000 states have none."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


_search: Search[Any] | None = None
_lookout: _Lookout[Any] | None = None


def _begin() -> None:
    global _lookout  # noqa: PLW0603 - what a child of a pool has of its own
    assert _search is not None  # noqa: S101 - set before anybody is forked
    gc.freeze()  # what came from the parent is not looked through again and again
    _lookout = _Lookout(_search)


def _look(after: str) -> tuple[int, Any]:
    assert _lookout is not None  # noqa: S101 - see `_begin`
    return _lookout.page(after)
