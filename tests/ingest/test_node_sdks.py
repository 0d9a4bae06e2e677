"""Segment's and RudderStack's Node SDKs, unmodified, against a real server. Skipped where there is no node."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api_world import World, api_world
from tests.support.sdk_calls import EVERY_CALL, content
from tests.support.serving import served

HERE = Path(__file__).parent / "node"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None,
    reason="node and npm are not installed: the Node SDKs are not tried",
)


@pytest.fixture(scope="session")
def modules(pytestconfig: pytest.Config) -> Path:
    """The locked SDKs, installed once per lock file into pytest's cache."""
    assert pytestconfig.cache is not None
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = pytestconfig.cache.mkdir(f"node-sdks-{digest}")
    installed = folder / "node_modules"
    if not (folder / "complete").exists():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        # Not `npm ci`: it refuses a lock file that names no versions for other platforms' optional packages, and a
        # registry may not have them. The rest is installed from the lock file just the same.
        command = ["npm", "install", "--no-save", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=110)
        (folder / "complete").touch()
    return installed


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
