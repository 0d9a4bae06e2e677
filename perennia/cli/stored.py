"""The store of the installation at hand, for commands that look into it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from perennia.cli.exits import CommandError, Exit
from perennia.opening import opened_store
from perennia.settings import Settings
from perennia.store.port import Store

FILE: Final = "sqlite:///"


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncGenerator[Store]:
    """Raises `CommandError` where there is none yet: looking must not make one."""
    address = settings.store_address()
    file = Path(address.removeprefix(FILE))
    if address.startswith(FILE) and not file.exists():
        remedy = "name its folder with --data or its address with PERENNIA_STORE_URL; `perennia up` makes one"
        raise CommandError(f"there is no store at {file}", remedy, Exit.UNREACHABLE)
    async with opened_store(settings) as store:
        yield store
