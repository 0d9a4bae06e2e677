"""Fifty turns of several processes for the last place that a contact's cap leaves, on both databases."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.contracts import EffectRequest, TurnRequest
from activities.messages import StoreMessages
from activities.turns import StoreTurns
from perennia.rendering.links import Links
from perennia.store import SqlStore
from perennia.store.records import SendStatus
from tests.sending.conftest import ANA, POLICIES, START, ToldProvider
from tests.support.installation import event, publish, traits
from tests.support.time_skipping import ManualClock

LINKS = Links("https://acme.example", ["a key of the tests"])
WISHES = 50
LATER = timedelta(days=8)

# The playbook's name is its priority.
FILES = {
    "playbooks/policies.yaml": POLICIES.rstrip() + "\n        caps: [{messages: 1, per: 7d}]\n",
    "templates/mail.md": "---\nsubject: Hello\n---\nHello\n",
} | {
    f"playbooks/p{priority}.yaml": f"""
        playbook: p{priority}
        topic: tips
        priority: {priority}
        enter: {{on: [{{event: Happened {priority}}}]}}
        steps: [{{id: mail, email: mail, hold: 100w}}]
        """
    for priority in range(1, WISHES + 1)
}


@dataclass
class Process:
    """A worker with a connection to the database of its own."""

    store: SqlStore
    clock: ManualClock
    provider: ToldProvider
    turns: StoreTurns = field(init=False)
    messages: StoreMessages = field(init=False)

    def __post_init__(self) -> None:
        self.turns = StoreTurns(self.store, self.clock)
        self.messages = StoreMessages(self.store, self.provider, LINKS, self.clock)

    async def turn(self, customer: str) -> list[str]:
        reply = await ActivityEnvironment().run(self.turns.take, TurnRequest(customer))
        return [effect.key for effect in reply.effects]

    async def send(self, customer: str, key: str) -> None:
        await ActivityEnvironment().run(self.messages.send, EffectRequest(customer, key))


@dataclass
class Race:
    """One contact, Ana, whom fifty playbooks want to write to, and two processes that work for her at once."""

    processes: tuple[Process, Process]
    ana: str
    order: list[int]
    begun: set[str] = field(default_factory=set[str])

    @property
    def store(self) -> SqlStore:
        return self.processes[0].store

    async def happens(self, priority: int) -> None:
        await self.store.accept([event("ana", f"Happened {priority}", START)], START)

    async def turn(self, n: int) -> list[str]:
        return await self.processes[n % 2].turn(self.ana)

    async def send(self, *keys: str) -> None:
        """Hands over, at once, what nobody has begun to: as the workflow does, a key is in flight once."""
        new = set(keys) - self.begun
        self.begun |= new
        await asyncio.gather(*(self.processes[len(key) % 2].send(self.ana, key) for key in new))

    async def sent(self) -> list[int]:
        """The priorities of what left, in order."""
        rows = await self.store.messages(self.ana)
        left = [row for row in rows if row.status is SendStatus.SENT]
        return [int(row.playbook.removeprefix("p")) for row in sorted(left, key=lambda row: row.released_at)]


@pytest.fixture
async def race(store: SqlStore, neighbour: SqlStore, tmp_path: Path) -> Race:
    clock, provider = ManualClock(START), ToldProvider()
    await publish(store, tmp_path / "workspace", START, FILES)
    await store.accept([traits("ana", START, **ANA)], START)
    order = random.Random(7).sample(range(1, WISHES + 1), WISHES)
    return Race((Process(store, clock, provider), Process(neighbour, clock, provider)), await store.find("ana"), order)


async def test_what_fifty_turns_decided_before_anything_left_goes_to_the_highest_priority(race: Race) -> None:
    async def wish(n: int, priority: int) -> None:
        await race.happens(priority)
        await race.turn(n)

    await asyncio.gather(*(wish(n, priority) for n, priority in enumerate(race.order)))
    await race.send(*await race.turn(0))

    assert await race.turn(1) == []
    assert await race.sent() == [WISHES]


async def test_fifty_turns_that_race_with_their_own_messages_send_one_and_the_rest_by_priority(race: Race) -> None:
    async def wish(n: int, priority: int) -> None:
        await race.happens(priority)
        await race.send(*await race.turn(n))

    await asyncio.gather(*(wish(n, priority) for n, priority in enumerate(race.order)))
    assert await race.turn(0) == []
    (first,) = await race.sent()

    for round_ in range(1, WISHES):
        race.processes[0].clock.instant = START + round_ * LATER
        await race.send(*await race.turn(round_))
    assert await race.sent() == [first, *sorted(set(race.order) - {first}, reverse=True)]
    assert len(race.processes[0].provider.asked) == WISHES
