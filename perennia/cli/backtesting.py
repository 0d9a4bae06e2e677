"""Runs a backtest over several processes, page by page of the store's customers. Reads only."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final

from perennia.cli.suite import cores
from perennia.core.lives import Household
from perennia.opening import opened_store
from perennia.settings import Settings
from perennia.simulate.reckoning import Figures, reckon
from perennia.simulate.reliving import Draft
from perennia.store.port import Store

PAGE: Final = 100  # households a piece of work: some tenths of a second each
AHEAD: Final = 3  # pieces a process that wait for it: it never idles, and little is in memory


def run_backtest(
    settings: Settings, drafts: Sequence[Draft], jobs: int | None, progress: Callable[[int], None]
) -> list[Figures]:
    """One `Figures` a draft, over everybody whom the store knows. ``progress`` is told how many customers are done."""
    wanted = jobs or cores()
    with _pool(drafts, wanted) as pool:
        return asyncio.run(_add_up(settings, pool, wanted, progress))


async def _add_up(
    settings: Settings, pool: Executor | None, jobs: int, progress: Callable[[int], None]
) -> list[Figures]:
    totals = [Figures() for _ in _drafts]
    async with opened_store(settings) as store:
        pages = _Pages(store)
        under_way: set[asyncio.Future[list[Figures]]] = set()
        while page := await pages.following():
            under_way.add(_started(pool, page))
            if len(under_way) >= jobs * AHEAD:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                _add(totals, done, progress)
        while under_way:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            _add(totals, done, progress)
    return totals


def _add(totals: list[Figures], done: set[asyncio.Future[list[Figures]]], progress: Callable[[int], None]) -> None:
    for piece in done:
        for total, figures in zip(totals, piece.result(), strict=True):
            total.add(figures)
    progress(totals[0].customers)


class _Pages:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: str | None = None

    async def following(self) -> list[Household]:
        """The next page; an empty one at the end."""
        page = await self._store.households(PAGE, self._last)
        self._last = page[-1][0].id if page else self._last
        return page


# --- processes ------------------------------------------------------------------------------------------------------

_drafts: tuple[Draft, ...] = ()


@contextmanager
def _pool(drafts: Sequence[Draft], jobs: int) -> Generator[Executor | None]:
    """None: everything runs in this process. Children are forked with the drafts: compiled catalogs cannot be sent."""
    global _drafts  # noqa: PLW0603 - see above
    _drafts = tuple(drafts)
    if jobs == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield None
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        pool.submit(_reckon, []).result()  # all of them are forked now, before the store has threads
        yield pool


def _started(pool: Executor | None, page: list[Household]) -> asyncio.Future[list[Figures]]:
    if pool is not None:
        return asyncio.wrap_future(pool.submit(_reckon, page))
    done = asyncio.get_running_loop().create_future()
    done.set_result(_reckon(page))
    return done


def _reckon(page: list[Household]) -> list[Figures]:
    return reckon(_drafts, page)
