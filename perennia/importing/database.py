"""Rows of somebody else's database, a batch at a time. It is only read from, and never held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeAlias

from sqlalchemy import URL, NullPool, TextClause, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from perennia.importing.cursors import Cursor
from perennia.importing.pull_files import CURSOR
from perennia.store.postgres import asyncpg_url

Cells: TypeAlias = Mapping[str, object]
# The next rows, at most so many; none at the end.
Fetch: TypeAlias = Callable[[int], Awaitable[Sequence[Cells]]]
LONGEST: Final = 300


class DatabaseFailed(Exception):
    """The database does not answer, or not to this query. ``remedy`` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def address_of(told: str) -> URL:
    """Raises `DatabaseFailed`, which does not repeat the address: it may hold a password."""
    try:
        url = make_url(told)
        if url.drivername == "postgresql":
            return asyncpg_url(url)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        remedy = "write one like postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE"
        raise DatabaseFailed("is no database's address that SQLAlchemy knows", remedy) from error
    # Asked to open a file that is not there, SQLite would make it.
    return url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"}) if is_sqlite(url) else url


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


@asynccontextmanager
async def asking(url: URL, query: str, cursor: Cursor) -> AsyncGenerator[Fetch]:
    """Sends the query; its rows come by what is given. Raises `DatabaseFailed`, from there, too."""
    open_ = _asking_later if url.get_dialect().is_async else _asking_in_a_thread
    async with open_(url, text(query), {CURSOR: cursor}) as fetch:
        yield fetch


@asynccontextmanager
async def _asking_later(url: URL, query: TextClause, values: Mapping[str, object]) -> AsyncGenerator[Fetch]:
    engine = create_async_engine(url, poolclass=NullPool)
    with _failures():
        connection = await engine.connect()
    try:
        with _failures():
            await connection.execution_options(postgresql_readonly=True)
            result = await connection.stream(query, values)

        async def fetch(size: int) -> Sequence[Cells]:
            with _failures():
                return [dict(row) for row in await result.mappings().fetchmany(size)]

        yield fetch
    finally:
        await connection.close()
        await engine.dispose()


@asynccontextmanager
async def _asking_in_a_thread(url: URL, query: TextClause, values: Mapping[str, object]) -> AsyncGenerator[Fetch]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "pull") as thread:  # drivers want the thread that connected
        with _failures():
            engine = create_engine(url, poolclass=NullPool)
            connection = await loop.run_in_executor(thread, engine.connect)
        try:
            with _failures():
                streaming = connection.execution_options(stream_results=True)
                result = await loop.run_in_executor(thread, lambda: streaming.execute(query, values))

            def rows(size: int) -> Sequence[Cells]:
                return [dict(row) for row in result.mappings().fetchmany(size)]

            async def fetch(size: int) -> Sequence[Cells]:
                with _failures():
                    return await loop.run_in_executor(thread, rows, size)

            yield fetch
        finally:
            await loop.run_in_executor(thread, connection.close)
            engine.dispose()


@contextmanager
def _failures() -> Generator[None]:
    """In our own words, and without the statement: what the driver says may quote a row, so only its first line is kept."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise DatabaseFailed(f"the driver {error.name} is not installed", f"pip install {error.name}") from None
    except DBAPIError as error:
        said = str(error.orig).splitlines()[0][:LONGEST]
        raise DatabaseFailed(f"the database says: {said}", "try the query there, with a value for :cursor") from None
    except (SQLAlchemyError, OSError) as error:
        said = str(error).splitlines()[0][:LONGEST]
        raise DatabaseFailed(
            f"the database cannot be read: {said}", "look at its address and whether it runs"
        ) from None
