"""The seam between transactions and databases: a transaction is one synchronous function over a connection.

It is written once. The SQLite driver runs it in its writer thread, the PostgreSQL driver through ``run_sync``; what the
two databases say differently is split where the statement is built (`batches`).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from perennia.store.port import NotMigrated, StoreUnavailable

T = TypeVar("T")

_ACT = "perennia.act"
_STATEMENTS = "perennia.statements"

# PostgreSQL's states that another try may get past: serialization and deadlock, lock timeout, cancelled, connection and
# resource trouble, operator intervention (a restart).
_PASSING_STATES = ("40", "55P03", "57", "08", "53")


# SQLite has one class for a locked file and for a statement it does not understand.
_SQLITE_OURS = ("near ", "ambiguous", "table ", "incomplete", "unrecognized")
_SQLITE_MISSING = ("no such table", "no such column")
_POSTGRES_MISSING = ("42P01", "42703")


class Driver(Protocol):
    statements: Statements

    async def write(self, act: str, body: Callable[[Connection], T]) -> T:
        """Runs ``body`` in one transaction, commits, returns its value; whatever it raises rolls back and is raised."""
        ...

    async def read(self, act: str, body: Callable[[Connection], T]) -> T:
        """The same for a body that writes nothing; it sees one state of the database."""
        ...

    async def migrate(self) -> None: ...

    async def scour(self) -> None:
        """Has what was deleted disappear from files in which it may still stand, as far as they are ours to write."""
        ...

    async def close(self) -> None: ...


class Statements:
    """Counts SQL statements by act (``accept``, ``turn`` ...), BEGIN and COMMIT not included."""

    def __init__(self) -> None:
        self.by_act: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self.by_act.total()

    def watch(self, engine: Engine) -> None:
        def count(connection: Connection, *_: object) -> None:
            self.by_act[connection.info.get(_ACT, "")] += 1

        event.listen(engine, "before_cursor_execute", count)


def run(connection: Connection, statements: Statements, act: str, body: Callable[[Connection], T]) -> T:
    connection.info[_ACT] = act
    connection.info[_STATEMENTS] = statements
    return body(connection)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what becomes of a conflict: both databases can, each in words of its own."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def raw_sqlite(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection below SQLAlchemy's, in the same transaction."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def count_statement(connection: Connection) -> None:
    """Counts a statement that SQLAlchemy does not see."""
    statements: Statements = connection.info[_STATEMENTS]
    statements.by_act[connection.info[_ACT]] += 1


@contextmanager
def availability() -> Generator[None]:
    """Turns what may pass into `StoreUnavailable` and missing tables into `NotMigrated`; all else goes through as it is."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("every connection of the store is in use; retry") from error
    except (DBAPIError, sqlite3.OperationalError, OSError) as error:
        if _lacks_tables(error):
            raise NotMigrated("the store lacks tables of this version; run `perennia migrate`") from error
        if not _may_pass(error):
            raise
        raise StoreUnavailable(f"the store is locked or out of reach; retry ({_cause(error)})") from error


def _lacks_tables(error: DBAPIError | sqlite3.OperationalError | OSError) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).startswith(_SQLITE_MISSING) or getattr(cause, "sqlstate", None) in _POSTGRES_MISSING


def _may_pass(error: DBAPIError | sqlite3.OperationalError | OSError) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return not str(error).startswith(_SQLITE_OURS)
    if isinstance(error, OSError) or error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_PASSING_STATES)
    if isinstance(error.orig, sqlite3.OperationalError):
        return _may_pass(error.orig)
    return isinstance(error, InterfaceError)


def _cause(error: DBAPIError | sqlite3.OperationalError | OSError) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
