"""A broadcast through a whole installation: the worker is killed in its midst, and another one is held and cancelled."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd, batch
from tests.faults.two_letters import make_workspace, received
from tests.support.commands import perennia
from tests.support.temporal_runs import until
from tests.support.up_process import UpProcess, perennia_up

CUSTOMERS = [f"customer-{number}" for number in range(24)]
BROADCAST = 'broadcast: {name}\nwhere: "true"\nemail: tip\ntopic: tips\nrate: {rate}\n'

# How far everybody is: nothing unread, nothing open.
_UNDONE = "SELECT count(*) FROM customers WHERE cursor < next_seq - 1 OR bell > 0"


async def known(up: UpProcess) -> None:
    """Everybody has signed up for nothing in particular, and their turns are over."""
    async with Crowd(up.run.api, up.run.write_key).client() as client:
        for who in CUSTOMERS:
            assert (await client.post("/v1/batch", json=batch(who, "Looked Around"))).status_code == 200
    await until(lambda: up.rows(_UNDONE) == [(0,)], within=120)


async def command(up: UpProcess, workspace: Path, *arguments: str) -> None:
    ended = await asyncio.to_thread(perennia, workspace, "broadcast", *arguments, "--data", str(up.data), "--json")
    assert ended.code == 0, ended.err


async def begin(up: UpProcess, workspace: Path, name: str, rate: int) -> None:
    file = workspace / f"{name}.yaml"
    file.write_text(BROADCAST.format(name=name, rate=rate), encoding="utf-8")
    await command(up, workspace, "create", str(file))
    await command(up, workspace, "start", name)


def statuses(up: UpProcess, name: str) -> Counter[str]:
    said = up.rows("SELECT status, count(*) FROM messages WHERE playbook = ? GROUP BY 1", f"broadcast:{name}")
    return Counter({str(status): int(count or 0) for status, count in said})


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_everybody_gets_a_broadcast_once_whose_worker_is_killed_and_nobody_one_that_is_cancelled(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path / "workspace")
    async with perennia_up(workspace, tmp_path / "data") as up:
        await known(up)
        await begin(up, workspace, "spring", rate=4)
        await until(lambda: statuses(up, "spring").total() >= 4, within=60)
        await up.kill("worker")
        over = ("sent", "unknown")
        await until(lambda: sum(statuses(up, "spring")[each] for each in over) == len(CUSTOMERS), within=180)
        await begin(up, workspace, "autumn", rate=1)
        await until(lambda: statuses(up, "autumn").total() >= 1, within=60)
        await command(up, workspace, "pause", "autumn")
        await command(up, workspace, "cancel", "autumn")
        ended = "SELECT status FROM broadcasts WHERE id = 'autumn'"
        await until(lambda: up.rows(ended) == [("cancelled",)], within=60)

        entries = "SELECT customer FROM journal WHERE act = 'entered' AND playbook = 'broadcast:spring'"
        assert max(Counter(who for (who,) in up.rows(entries)).values()) == 1
        copies = await received(up.data / "inbox")
        spring, autumn = statuses(up, "spring"), statuses(up, "autumn")
        assert spring["sent"] <= copies.total() - autumn["sent"] <= len(CUSTOMERS)
        assert autumn.total() < len(CUSTOMERS)
        assert autumn["reserved"] == 0
