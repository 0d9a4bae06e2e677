"""Ten thousand rows of a database taken in while whoever does it is killed again and again, and rows go on changing."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from perennia.clock import WallClock
from perennia.importing.pulling import Puller
from perennia.store import open_store
from tests.faults.pull_process import PEOPLE

MANY = 10_000
KILLS = 10


async def kill_in_the_middle(store_url: str, warehouse_url: str, chance: random.Random) -> None:
    command = (sys.executable, "-m", "tests.faults.pull_process", store_url, warehouse_url)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    await asyncio.sleep(chance.uniform(0.02, 1.0))
    process.kill()
    await process.wait()


@pytest.mark.slow
async def test_every_row_is_in_once_whoever_was_killed_when(tmp_path: Path) -> None:
    chance = random.Random(7)
    store_url, warehouse_url = f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/warehouse.db"
    store = open_store(store_url)
    await store.migrate()
    with closing(sqlite3.connect(tmp_path / "warehouse.db")) as warehouse:
        warehouse.execute("CREATE TABLE people (id TEXT, seats INT, changed INT)")
        # Ten rows of each value of the cursor: a batch may end among them.
        warehouse.executemany("INSERT INTO people VALUES (?, ?, ?)", ((f"c{n}", n, 1 + n // 10) for n in range(MANY)))
        warehouse.commit()
        for kill in range(KILLS):
            await kill_in_the_middle(store_url, warehouse_url, chance)
            changed = [(10_000 + kill * 100 + n, 2_000 + kill, f"c{kill * 100 + n}") for n in range(100)]
            warehouse.executemany("UPDATE people SET seats = ?, changed = ? WHERE id = ?", changed)
            warehouse.commit()
        await Puller(store, WallClock(), {"people": PEOPLE}, {"WAREHOUSE": warehouse_url}).run("people")
        right = dict(warehouse.execute("SELECT id, seats FROM people"))
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        told = connection.execute(
            "SELECT external_id, json_extract(body, '$.traits.seats') FROM inputs"
            " JOIN customers ON customers.id = inputs.customer ORDER BY inputs.customer, seq"
        ).fetchall()
    last = dict(told)  # what was told of each at last
    assert last == right
    assert len(set(told)) == len(told)
