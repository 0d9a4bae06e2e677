"""Commands that ask a served API beside a real store, in which a workspace was published and something happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeAlias

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.records import Accepted
from tests.support.commands import Ended
from tests.support.in_process import InProcess
from tests.support.lives import documents
from tests.support.serving import served
from tests.support.stored_lives import StoredLives
from tests.support.turning import TurningBells

Run: TypeAlias = Callable[..., Awaitable[Ended]]


@asynccontextmanager
async def served_commands(
    command: InProcess, text: str, start: datetime, happened: Sequence[Accepted]
) -> AsyncGenerator[Run]:
    """``text``: the documents of the workspace; ``happened``: what is told at ``start``. Words of a command are its `Run`."""
    store = open_store(f"sqlite:///{command.file}")
    await store.migrate()
    lives = StoredLives(store, start)
    await lives.publish(documents(text))
    await lives.happen(start, *happened)
    app = create_app(
        store=store,
        bells=TurningBells(store, lives.clock),
        clock=lives.clock,
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    async with served(app) as url:

        async def run(*words: str) -> Ended:
            """By command, and never in the loop that serves it."""
            return await asyncio.to_thread(command.run, *words, "--url", url, PERENNIA_ADMIN_KEY="admin-key")

        yield run
    await store.close()
