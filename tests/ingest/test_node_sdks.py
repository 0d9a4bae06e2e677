"""Segment's and RudderStack's Node SDKs, unmodified, against a real server. Skipped where there is no node."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api_world import World, api_world
from tests.support.node_modules import installed, needs_node
from tests.support.sdk_calls import EVERY_CALL, content
from tests.support.serving import served

HERE = Path(__file__).parent / "node"

pytestmark = needs_node


@pytest.fixture(scope="session")
def modules(pytestconfig: pytest.Config) -> Path:
    return installed(pytestconfig, HERE)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        yield world


@pytest.fixture
async def address(world: World) -> AsyncIterator[str]:
    async with served(world.app) as address:
        yield address


async def run_node(modules: Path, script: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / script),
        *arguments,
        env={**os.environ, "NODE_PATH": str(modules)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def test_every_call_of_segments_node_sdk_arrives(world: World, address: str, modules: Path) -> None:
    await run_node(modules, "segment.js", address, "write-key")
    assert [content(record) for record in world.store.accepted] == EVERY_CALL


@pytest.mark.parametrize("packing", ["packed", "plain"])
async def test_every_call_of_rudderstacks_node_sdk_arrives(
    world: World, address: str, modules: Path, packing: str
) -> None:
    await run_node(modules, "rudder.js", address, "write-key", packing)
    assert [content(record) for record in world.store.accepted] == EVERY_CALL


@pytest.mark.parametrize("script", ["segment.js", "rudder.js"])
async def test_a_store_that_is_away_for_a_moment_loses_nothing(
    world: World, address: str, modules: Path, script: str
) -> None:
    world.store.away = True
    sending = asyncio.create_task(run_node(modules, script, address, "write-key", "packed"))
    await asyncio.wait_for(world.store.asked.wait(), 30)
    world.store.away = False
    await sending
    assert [content(record) for record in world.store.accepted] == EVERY_CALL
