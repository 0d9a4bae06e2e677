"""The store that the settings name. Apart from `wiring`, which loads all of the engine: commands that only read are quick."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from perennia.settings import Settings, SettingsError
from perennia.store import open_store
from perennia.store.port import Store


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncGenerator[Store]:
    """The store, closed at the end. Its schema is as it is: `perennia migrate` and `perennia up` bring it up to date.

    Raises `SettingsError` for an address that is none.
    """
    try:
        store = open_store(settings.store_address())
    except ValueError as error:  # not repeated: the URL may hold a password
        remedy = "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
        raise SettingsError("PERENNIA_STORE_URL", "is no store's address", remedy) from error
    try:
        yield store
    finally:
        await store.close()
