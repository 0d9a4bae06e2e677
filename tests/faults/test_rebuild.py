"""Temporal has lost its database: the store knows everybody, and brings them back, before anything of theirs is due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from perennia.temporal import DevServer, connect, customer_workflow_id
from tests.faults.crowd import Crowd
from tests.faults.two_letters import make_workspace
from tests.support.commands import perennia
from tests.support.temporal_runs import until
from tests.support.up_process import UpProcess, perennia_up

CUSTOMERS = [f"customer-{number}" for number in range(5)]

pytestmark = pytest.mark.timeout(600)


@pytest.mark.slow
async def test_perennia_rebuild_brings_everyone_back(tmp_path: Path) -> None:
    workspace, data = make_workspace(tmp_path / "workspace"), tmp_path / "data"
    async with (
        DevServer(tmp_path / "temporal" / "temporal.sqlite") as temporal,
        perennia_up(workspace, data, {"TEMPORAL_ADDRESS": temporal.address}) as up,
    ):
        waiting = await everyone_waiting(up)
        await temporal.stop()
        forget(temporal.database)
        await temporal.start()

        ended = await asyncio.to_thread(perennia, workspace, "rebuild", "--data", str(data), "--json")

        assert (ended.code, ended.document) == (0, {"rung": 5})
        await all_running(await connect(temporal.address), waiting)


@pytest.mark.slow
async def test_up_brings_everyone_back_where_temporals_file_is_gone(tmp_path: Path) -> None:
    workspace, data = make_workspace(tmp_path / "workspace"), tmp_path / "data"
    async with perennia_up(workspace, data) as up:
        waiting = await everyone_waiting(up)
    forget(data / "temporal.sqlite")

    async with perennia_up(workspace, data) as up:
        assert "bringing 5 customers back" in up.log.read_text()
        await all_running(await connect(up.run.temporal), waiting)


async def everyone_waiting(up: UpProcess) -> list[str]:
    """Internal ids of the customers, each in the middle of a wait of 30 days."""
    crowd = Crowd(up.run.api, up.run.write_key)
    async with crowd.client() as client:
        await asyncio.gather(*(crowd.post(client, who, "Contract Signed") for who in CUSTOMERS))
    await until(lambda: len(parked(up)) == len(CUSTOMERS), within=120)
    return parked(up)


def parked(up: UpProcess) -> list[str]:
    return [str(customer) for (customer,) in up.rows("SELECT id FROM customers WHERE wake_at IS NOT NULL AND bell = 0")]


def forget(database: Path) -> None:
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()


async def all_running(client: Client, customers: Sequence[str]) -> None:
    """Waits until each of them has a workflow that has taken a turn and waits for the end of the 30 days."""
    async with asyncio.timeout(120):
        for customer in customers:
            while not await is_waiting(client, customer):  # noqa: ASYNC110 - see `temporal_runs.until`
                await asyncio.sleep(0.2)


async def is_waiting(client: Client, customer: str) -> bool:
    try:
        live = await client.get_workflow_handle(customer_workflow_id(customer)).query("live", result_type=dict)
    except RPCError:
        return False
    return live["wake_at"] is not None
