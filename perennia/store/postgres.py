"""PostgreSQL through asyncpg: the same transactions, run by SQLAlchemy's bridge from sync to async."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine

from perennia.store.driver import Statements, availability, run
from perennia.store.migrations import upgrade

T = TypeVar("T")

CONNECTIONS = 10
POOL_TIMEOUT_SECONDS = 5  # as long as SQLite waits for its lock


class PostgresDriver:
    """Transactions run at READ COMMITTED and lock rows: customers' in the order accounts, contacts, each by id.

    Every statement sees what was committed before it began. So whatever must not change under a transaction is read
    after the lock, in a statement of its own.
    """

    def __init__(self, url: URL) -> None:
        self._engine = create_async_engine(
            asyncpg_url(url), pool_size=CONNECTIONS, max_overflow=0, pool_timeout=POOL_TIMEOUT_SECONDS
        )
        self.statements = Statements()
        self.statements.watch(self._engine.sync_engine)

    async def write(self, act: str, body: Callable[[Connection], T]) -> T:
        with availability():
            async with self._engine.begin() as connection:
                return await connection.run_sync(lambda sync: run(sync, self.statements, act, body))

    async def read(self, act: str, body: Callable[[Connection], T]) -> T:
        with availability():
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                return await connection.run_sync(lambda sync: run(sync, self.statements, act, body))

    async def migrate(self) -> None:
        await self.write("migrate", upgrade)

    async def scour(self) -> None:
        """Nothing: dead rows go with the server's own vacuum, its log and its backups are the operator's."""

    async def close(self) -> None:
        await self._engine.dispose()


def asyncpg_url(url: URL) -> URL:
    """The same database by asyncpg, which calls libpq's ``sslmode`` ``ssl``."""
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)
