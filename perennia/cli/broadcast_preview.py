"""A broadcast tried on everybody, over several processes: what each customer's next turn would decide, counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import msgspec

from perennia.audience_pages import Page
from perennia.cli.exits import CommandError, Exit
from perennia.cli.looking import PAGE, Search, run_search, search_for
from perennia.cli.progress import progress_bar
from perennia.cli.stored import store_of
from perennia.clock import WallClock
from perennia.core.audiences import Look
from perennia.core.broadcasts import Broadcast, book_of
from perennia.core.fates import Fate, fates, prepared
from perennia.settings import Settings


class Count(msgspec.Struct, frozen=True):
    """How many fare so; ``why``: the reason code, where there is one."""

    what: str
    why: str
    count: int


class Preview(msgspec.Struct, frozen=True):
    """``looked``: customers that were looked at."""

    looked: int
    audience: int
    fates: list[Count]


def preview_of(settings: Settings, name: str, jobs: int | None, *, quiet: bool) -> Preview:
    """Raises `CommandError` where there is no such broadcast."""
    search = asyncio.run(_search(settings, name))
    looked, found = 0, Counter[Fate]()
    with progress_bar("customers", len(search.pages) * PAGE, quiet=quiet) as progress:
        for count, page in run_search(search, jobs):
            looked += count
            found += page
            progress(looked)
    counts = [Count(fate.what, fate.why, count) for fate, count in found.most_common()]
    return Preview(looked, found.total(), counts)


async def _search(settings: Settings, name: str) -> Search[Counter[Fate]]:
    async with store_of(settings) as store:
        stored = await store.broadcast(name)
    if stored is None:
        raise CommandError(f"there is no broadcast {name!r}", "`perennia broadcast list` lists them", Exit.REFUSED)
    broadcast = Broadcast.model_validate_json(stored.body)
    # Which version of the template it is decides nothing.
    book = None if broadcast.playbook is not None else book_of(broadcast)
    work = _Fates(broadcast, None if book is None else book.version)
    now = WallClock(settings.time_scale, settings.time_origin).now()
    search = await search_for(settings, broadcast.asked, now, work, permissions=True)
    return replace(search, look=prepared(search.look, book))


class _Fates:
    def __init__(self, broadcast: Broadcast, version: str | None) -> None:
        self._broadcast = broadcast
        self._version = version

    def __call__(self, look: Look, page: Page) -> Counter[Fate]:
        return fates(look, self._broadcast, self._version, page.members)
