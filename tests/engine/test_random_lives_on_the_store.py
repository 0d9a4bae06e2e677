"""Random customers of random playbooks live the same life on the real turns and store as in the simulator (section 6.6)."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

from perennia.core.advance import new_customer
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import (
    AccountTraitsChanged,
    ApprovalEnded,
    CustomerEvent,
    Input,
    JournalEntry,
    MessageTold,
    TaskEnded,
    TraitsChanged,
)
from perennia.core.documents import Document
from perennia.simulate.world import World
from perennia.store import open_store
from perennia.store.records import Accepted
from tests.support.lives import START, PlainText
from tests.support.random_lives import drafts, histories
from tests.support.store_timers import StoreTimers
from tests.support.time_skipping import ManualClock

DAYS = 6
END = START + timedelta(days=DAYS)
A_QUARTER = settings(max_examples=settings().max_examples // 4)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store at the current schema."""
    path = tmp_path_factory.mktemp("store") / "empty.db"

    async def migrate() -> None:
        store = open_store(f"sqlite:///{path}")
        await store.migrate()
        await store.close()

    asyncio.run(migrate())
    return path


@A_QUARTER
@given(published=drafts(), inputs=histories(days=5, most=12))
def test_a_life_on_the_store_is_the_simulated_one_also_where_all_is_posted_twice(
    empty_store: Path, published: list[Document], inputs: tuple[Input, ...]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(shutil.copy(empty_store, folder))
        customer, told, lived = asyncio.run(on_the_store(database, published, inputs))
    assert lived == simulated(customer, published, told)


def posted(number: int, each: CustomerEvent | TraitsChanged) -> list[Accepted]:
    """The same item twice in a batch, as a client that retries too eagerly posts it."""
    return 2 * [Accepted(message_id=f"m{number}", kind="contact", external_id="ana", input=each)]


async def on_the_store(
    database: Path, published: Sequence[Document], inputs: Sequence[Input]
) -> tuple[str, list[Input], list[JournalEntry]]:
    """The customer's internal id, the inputs as they were told, and the journal."""
    store = open_store(f"sqlite:///{database}")
    timers = StoreTimers(store, ManualClock(START))
    await timers.publish(published)
    told: list[Input] = []
    for number, each in enumerate(inputs):
        await timers.before(each.at)
        if isinstance(each, CustomerEvent | TraitsChanged):
            told.append(each)
            for item in posted(number, each):
                await timers.accept([item])
        elif not isinstance(each, AccountTraitsChanged):
            own = keyed(each, await store.find("ana"))
            told.append(own)
            await timers.order(await store.find("ana"), own)
    await timers.until(END)
    customer = await store.find("ana")
    await timers.look(customer)
    journal = await timers.journal(customer)
    await store.close()
    return customer, told, journal


def keyed(each: Input, customer: str) -> Input:
    """Keys of effects begin with the customer's internal id."""
    if isinstance(each, MessageTold | TaskEnded | ApprovalEnded):
        return msgspec.structs.replace(each, key=f"{customer}/{each.key.partition('/')[2]}")
    return each


def simulated(customer: str, published: Sequence[Document], inputs: Sequence[Input]) -> list[JournalEntry]:
    world = World(compile_catalog("r1", published), new_customer(customer, "contact", "ana", START), PlainText())
    for each in inputs:
        world.at(each.at, each)
    world.run(END)
    return world.journal
