"""One real Temporal dev server for all tests here. Tests keep apart by queues and customers of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennia.store import open_store
from perennia.store.port import Store
from perennia.temporal import DevServer, connect
from tests.support.installation import publish
from tests.support.memory import Memory
from tests.support.temporal_runs import Rig


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("temporal") / "temporal.sqlite")
    with asyncio.Runner() as runner:
        runner.run(server.start())
        yield server
        runner.run(server.stop())


@pytest.fixture
async def rig(server: DevServer) -> Rig:
    return Rig(await connect(server.address))


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def working(rig: Rig, memory: Memory) -> AsyncIterator[Rig]:
    """The rig with workers that take their turns in ``memory``."""
    async with rig.working(memory, memory):
        yield rig


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A real store in a file of its own, with the small workspace published."""
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", datetime(2026, 1, 1, tzinfo=UTC))
    yield store
    await store.close()
