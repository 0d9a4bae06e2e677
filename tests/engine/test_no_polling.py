"""Nobody is looked at but when something can have changed: wake-ups of a crowd, counted on the real turns and store.

A hundred customers every time, ten thousand with `make test-full`.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnRequest
from activities.turns import StoreTurns
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CustomerEvent
from perennia.store.port import Store
from perennia.store.records import Accepted
from tests.support.lives import TOPICS, documents
from tests.support.time_skipping import ManualClock

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
LOGINS = 5
CROWDS = [100, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
QUIET = """
playbook: win-back
enter: {on: [{when: 'idle("Logged In", "14d")'}]}
steps: [{milestone: noticed}]
"""
MONDAYS = """
playbook: digest
enter: {on: [{schedule: "0 9 * * mon", spread: 10m}]}
steps: [{milestone: sent}, {wait: 1d}]
"""


@dataclass
class Timers:
    """Takes the turns that a workflow would take: one when the bell rings, one when its one timer fires. Counts them."""

    store: Store
    clock: ManualClock
    bells: Counter[str] = field(default_factory=Counter[str])
    wakes: Counter[str] = field(default_factory=Counter[str])
    _due: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _agenda: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])

    def __post_init__(self) -> None:
        self._turns = StoreTurns(self.store, self.clock)
        self._environment = ActivityEnvironment()

    async def publish(self, text: str) -> None:
        published = documents(f"{TOPICS}\n---\n{text}")
        before = await self.store.current_revision()
        triggers = compile_catalog("r1", published).triggers()
        await self.store.publish(published, triggers, self.clock.now(), "test", before.id if before else None)

    async def accept(self, items: list[Accepted]) -> None:
        """Ingest accepts them all; whoever is rung takes a turn."""
        receipt = await self.store.accept(items, self.clock.now())
        for customer in receipt.rung:
            self.bells[customer] += 1
            await self._turn(customer)

    async def until(self, instant: datetime) -> None:
        """Every timer up to ``instant`` fires at its own time."""
        while self._agenda and self._agenda[0][0] <= instant:
            at, customer = heapq.heappop(self._agenda)
            if self._due.get(customer) == at:
                self.clock.instant = at
                self.wakes[customer] += 1
                await self._turn(customer)
        self.clock.instant = instant

    async def _turn(self, customer: str) -> None:
        reply = await self._environment.run(self._turns.take, TurnRequest(customer))
        if reply.wake_at is None:
            self._due.pop(customer, None)
        elif self._due.get(customer) != reply.wake_at:
            self._due[customer] = reply.wake_at
            heapq.heappush(self._agenda, (reply.wake_at, customer))

    async def entered(self, customer: str) -> list[datetime]:
        return [row.entry.at for row in await self.store.journal(customer) if row.entry.act == "entered"]


@pytest.fixture
def timers(store: Store) -> Timers:
    return Timers(store, ManualClock(START))


def login(number: int, times: int, at: datetime) -> Accepted:
    event = CustomerEvent(at=at, name="Logged In")
    return Accepted(message_id=f"{number} {times}", kind="contact", external_id=f"c{number}", input=event)


def last_login(number: int) -> datetime:
    """A second of its own for each of them."""
    return START + timedelta(days=LOGINS, seconds=7 * number)


def logins(crowd: int) -> Iterator[list[Accepted]]:
    """Each logs in on five days, the last time at its own second; batches in the order of time."""
    for day in range(LOGINS):
        yield [login(number, day, START + timedelta(days=day, seconds=number % 50)) for number in range(crowd)]
    yield [login(number, LOGINS, last_login(number)) for number in range(crowd)]


@pytest.mark.parametrize("crowd", CROWDS)
async def test_each_of_a_crowd_is_found_idle_at_its_own_second_by_at_most_two_wake_ups(
    timers: Timers, crowd: int
) -> None:
    await timers.publish(QUIET)
    for batch in logins(crowd):
        await timers.until(max(item.input.at for item in batch if item.input is not None))
        await timers.accept(batch)
    await timers.until(START + timedelta(days=60))

    # Known at the first login, and rung by none of the others: a timer looks when the first could be too long ago, and
    # again when the last is.
    assert (len(timers.bells), timers.bells.total()) == (crowd, crowd)
    assert set(timers.wakes.values()) == {2}
    for number in range(crowd):
        customer = await timers.store.find(f"c{number}")
        assert await timers.entered(customer) == [last_login(number) + FORTNIGHT]


@pytest.mark.parametrize("crowd", CROWDS)
async def test_what_falls_due_for_a_crowd_at_one_instant_is_spread_over_its_seconds(timers: Timers, crowd: int) -> None:
    await timers.publish(MONDAYS)
    await timers.accept([login(number, 0, START) for number in range(crowd)])
    monday = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
    await timers.until(monday + timedelta(hours=12))

    assert (len(timers.wakes), set(timers.wakes.values())) == (crowd, {1})
    seconds: Counter[datetime] = Counter()
    for number in range(crowd):
        seconds.update(await timers.entered(await timers.store.find(f"c{number}")))
    assert seconds.total() == crowd
    assert monday <= min(seconds) < max(seconds) < monday + timedelta(minutes=10)
    # 600 seconds for all of them: the busiest has few more than its share.
    assert max(seconds.values()) <= 3 * crowd / 600 + 5
