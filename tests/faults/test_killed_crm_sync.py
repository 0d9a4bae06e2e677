"""A thousand customers kept equal with a CRM while whoever does it is killed again and again."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from perennia.crm.field_map import FieldMap
from perennia.crm.reconciling import reconcile
from tests.support.crm_world import MAP, CrmWorld, crm_url, crm_world

MANY = 1_000
KILLS = 12


async def kill_in_the_middle(world: CrmWorld, url: str, chance: random.Random) -> None:
    """Runs begin in another process, which is killed a moment later."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.crm_process",
        url,
        crm_url(world.server),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    await asyncio.sleep(chance.uniform(0.05, 2.0))
    process.kill()
    await process.wait()


@pytest.mark.slow
async def test_a_thousand_customers_are_equal_on_both_sides_and_nothing_is_there_twice(tmp_path: Path) -> None:
    chance = random.Random(7)
    url = f"sqlite:///{tmp_path}/store.db"
    async with crm_world(url) as world:
        for number in range(0, MANY, 2):
            await world.tell(f"c{number}", email=f"c{number}@example.com", seats=number)
        for number in range(1, MANY, 2):
            world.tables.tick()
            world.tables.make("contacts", {"email": f"c{number}@example.com", "seats": str(number)})
            await world.tell(f"c{number}", email=f"c{number}@example.com")
        for _ in range(KILLS // 2):
            await kill_in_the_middle(world, url, chance)
        await world.run()
        for number in range(MANY):
            if number % 2:
                world.edit(world.record(f"c{number}"), seats=str(number + 1_000))
            else:
                await world.tell(f"c{number}", seats=number + 2_000)
        for _ in range(KILLS // 2):
            await kill_in_the_middle(world, url, chance)
        await world.run()
        found = await reconcile(world.store, world.provider, FieldMap.model_validate(MAP))
        kept = {each.fields["perennia_id"]: each.fields["seats"] for each in world.tables.living("contacts")}
    assert (found.equal, found.differences, found.unlinked, found.strangers) == (MANY, [], [], 0)
    assert kept == {f"c{n}": str(n + (1_000 if n % 2 else 2_000)) for n in range(MANY)}
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        told = connection.execute(
            "SELECT count(*), count(DISTINCT customer) FROM inputs WHERE message_id LIKE 'crm:%'"
        ).fetchone()
    # Each second customer: once what the record held at first, once what somebody changed it to.
    assert told == (MANY, MANY // 2)
