"""Nobody is looked at but when something can have changed: wake-ups of a crowd, counted on the real turns and store.

A hundred customers every time, ten thousand with `make test-full`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from perennia.core.decisions import CustomerEvent
from perennia.store.port import Store
from perennia.store.records import Accepted
from tests.support.lives import TOPICS, documents
from tests.support.store_timers import StoreTimers
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


@pytest.fixture
def timers(store: Store) -> StoreTimers:
    return StoreTimers(store, ManualClock(START))


async def entered(timers: StoreTimers, customer: str) -> list[datetime]:
    return [entry.at for entry in await timers.journal(customer) if entry.act == "entered"]


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
    timers: StoreTimers, crowd: int
) -> None:
    await timers.publish(documents(f"{TOPICS}\n---\n{QUIET}"))
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
        assert await entered(timers, customer) == [last_login(number) + FORTNIGHT]


@pytest.mark.parametrize("crowd", CROWDS)
async def test_what_falls_due_for_a_crowd_at_one_instant_is_spread_over_its_seconds(
    timers: StoreTimers, crowd: int
) -> None:
    await timers.publish(documents(f"{TOPICS}\n---\n{MONDAYS}"))
    await timers.accept([login(number, 0, START) for number in range(crowd)])
    monday = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
    await timers.until(monday + timedelta(hours=12))

    assert (len(timers.wakes), set(timers.wakes.values())) == (crowd, {1})
    seconds: Counter[datetime] = Counter()
    for number in range(crowd):
        seconds.update(await entered(timers, await timers.store.find(f"c{number}")))
    assert seconds.total() == crowd
    assert monday <= min(seconds) < max(seconds) < monday + timedelta(minutes=10)
    # 600 seconds for all of them: the busiest has few more than its share.
    assert max(seconds.values()) <= 3 * crowd / 600 + 5
