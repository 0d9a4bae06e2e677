"""SQLite: one writer thread per process, readers beside it (WAL)."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event

from perennia.store.driver import Statements, availability, raw_sqlite, run
from perennia.store.migrations import upgrade
from perennia.store.port import StoreUnavailable

T = TypeVar("T")

READERS = 4
BUSY_TIMEOUT_MS = 5000  # how long a transaction waits for another process's before it is `StoreUnavailable`
_WAL_TRIES = 50
# Ids are random, so each new row goes to other pages of the indexes. With SQLite's own 2 MB an import of 100,000 events took
# twice as long as with 64; they are used as far as there is something to keep in them.
WRITER_CACHE_KIB = 65_536
READER_CACHE_KIB = 2_000


class SqliteDriver:
    """Each transaction is one call in a thread: with a transaction spread over awaits, a slow event loop holds the lock.

    One writer: threads of one process that fight for SQLite's single write lock only sleep and retry. ``BEGIN
    IMMEDIATE``: a deferred transaction that reads first and writes later is refused at once when another wrote between.
    """

    def __init__(self, url: URL, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        if url.database in (None, "", ":memory:"):
            raise ValueError("a store in memory is lost with its process; name a file: sqlite:///var/perennia.db")
        self._path = Path(url.database or "")
        self._writer = _engine(url, busy_timeout_ms, WRITER_CACHE_KIB)
        self._reader = _engine(url, busy_timeout_ms, READER_CACHE_KIB)
        self._write_thread = ThreadPoolExecutor(1, "store-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "store-reader")
        self._connection: Connection | None = None  # the write thread's
        self.statements = Statements()
        self.statements.watch(self._writer)
        self.statements.watch(self._reader)

    async def write(self, act: str, body: Callable[[Connection], T]) -> T:
        return await _in(self._write_thread, lambda: self._write(act, body))

    async def read(self, act: str, body: Callable[[Connection], T]) -> T:
        return await _in(self._read_threads, lambda: self._read(act, body))

    async def migrate(self) -> None:
        def prepare() -> None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _use_write_ahead_log(self._writer)
            self._write("migrate", upgrade)

        await _in(self._write_thread, prepare)

    async def scour(self) -> None:
        """Empties the write-ahead log, which keeps pages as they were before.

        Where another process reads on for longer than the busy timeout, a later one does.
        """
        await _in(self._write_thread, self._empty_log)

    def _empty_log(self) -> None:
        with availability(), closing(self._writer.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _write(self, act: str, body: Callable[[Connection], T]) -> T:
        with availability():
            # Kept open: to take one from the pool and give it back costs as much as two statements.
            if self._connection is None:
                self._connection = self._writer.connect()
            return self._transact(self._connection, "BEGIN IMMEDIATE", act, body)

    def _read(self, act: str, body: Callable[[Connection], T]) -> T:
        with availability(), self._reader.connect() as connection:
            return self._transact(connection, "BEGIN", act, body)

    def _transact(self, connection: Connection, begin: str, act: str, body: Callable[[Connection], T]) -> T:
        raw = raw_sqlite(connection)
        raw.execute(begin)
        try:
            value = run(connection, self.statements, act, body)
            raw.commit()
        finally:
            # Nothing is left to roll back after the commit; SQLAlchemy's own idea of a transaction ends with it.
            raw.rollback()
            connection.rollback()
        return value

    async def close(self) -> None:
        """Waits for what is under way; nothing runs afterwards."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        if self._connection is not None:
            self._connection.close()
        self._writer.dispose()
        self._reader.dispose()


async def _in(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, call)


def _engine(url: URL, busy_timeout_ms: int, cache_kib: int) -> Engine:
    # Connections are made and used by the executor's own threads, one at a time each. AUTOCOMMIT: transactions begin and
    # end by our own words, and neither SQLAlchemy nor the driver adds any.
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False},
        isolation_level="AUTOCOMMIT",
        pool_size=READERS,
        max_overflow=0,
        pool_reset_on_return=None,
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # secure_delete: what is deleted or replaced is overwritten in the file; turns cost the same within what can be measured.
        limits = (f"busy_timeout={busy_timeout_ms}", f"cache_size=-{cache_kib}")
        for pragma in (*limits, "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    return engine


def _use_write_ahead_log(engine: Engine) -> None:
    """Switches the file to WAL, once for good.

    The switch needs the file alone and SQLite does not wait for that (the busy handler is not called), so when several
    processes start on a new file at once, all but one are refused and must look again.
    """
    for attempt in range(_WAL_TRIES):
        try:
            with closing(engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if attempt == _WAL_TRIES - 1:
                raise StoreUnavailable(f"the store's file cannot be opened for writing ({error})") from error
            time.sleep(0.05)
        else:
            return
