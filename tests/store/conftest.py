from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from perennia.store import SqlStore, open_store
from perennia.store.tables import metadata
from tests.support.postgres import NoPostgres, Server, postgres_server

# One database for all tests, emptied before each: to make one takes most of a second (and to TRUNCATE, half of one).
POSTGRES_DATABASE = "perennia_test"
DELETES = " ".join(f"DELETE FROM {table.name};" for table in reversed(metadata.sorted_tables))
EMPTY = f"DO $$ BEGIN {DELETES} END $$"


async def _migrated(url: str) -> None:
    store = open_store(url)
    await store.migrate()
    await store.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.db"
    asyncio.run(_migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    try:
        with postgres_server() as server:
            asyncio.run(server.run(f"CREATE DATABASE {POSTGRES_DATABASE}"))
            asyncio.run(_migrated(server.url(POSTGRES_DATABASE)))
            yield server
    except NoPostgres as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database at the current schema, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "store.db")
        return f"sqlite:///{tmp_path}/store.db"
    server: Server = request.getfixturevalue("postgres")
    asyncio.run(server.run(EMPTY, POSTGRES_DATABASE))
    return server.url(POSTGRES_DATABASE)


@pytest.fixture
async def store(database: str) -> AsyncGenerator[SqlStore]:
    store = open_store(database)
    yield store
    await store.close()


@pytest.fixture
async def neighbour(database: str) -> AsyncGenerator[SqlStore]:
    """A second store on the same database, as another process has it."""
    store = open_store(database)
    yield store
    await store.close()
