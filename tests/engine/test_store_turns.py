"""The turn against a real store: what it writes, what it answers, and that it may run twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.contracts import EffectKind, FailedEffect, OpenEffect, TurnReply, TurnRequest
from activities.turns import StoreTurns
from perennia.core.decisions import Act, TaskEnded
from perennia.store.port import Store
from tests.support.installation import event, publish, traits
from tests.support.time_skipping import ManualClock

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ANA = {"email": "ana@example.com", "first_name": "Ana"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def turns(store: Store, clock: ManualClock) -> StoreTurns:
    return StoreTurns(store, clock)


async def take(turns: StoreTurns, request: TurnRequest) -> TurnReply:
    return await ActivityEnvironment().run(turns.take, request)


async def ana(store: Store, *events: str) -> str:
    """Ana's internal id, after she was identified and these events happened at `START`."""
    await store.accept([traits("ana", START, **ANA), *(event("ana", name, START, seats=30) for name in events)], START)
    return await store.find("ana")


async def test_an_event_opens_the_effect_of_its_playbook(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Account Created")

    reply = await take(turns, TurnRequest(customer))

    key = f"{customer}/welcome.1/hello/1"
    assert reply == TurnReply(effects=(OpenEffect(key, EffectKind.EMAIL, priority=1, fairness="welcome"),))


async def test_a_turn_with_nothing_new_answers_the_same_and_decides_nothing(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Account Created")
    first = await take(turns, TurnRequest(customer))
    journal = await store.journal(customer)

    assert await take(turns, TurnRequest(customer)) == first
    assert await store.journal(customer) == journal


async def test_a_wait_answers_its_instant_and_how_long_that_is(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Trial Started")

    reply = await take(turns, TurnRequest(customer))

    assert (reply.wake_at, reply.wake_in_ms) == (START + timedelta(seconds=1), 1000)


async def test_the_instant_of_a_timer_counts_where_the_clock_is_behind(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Trial Started")
    await take(turns, TurnRequest(customer))

    reply = await take(turns, TurnRequest(customer, floor=START + timedelta(seconds=1)))

    assert [effect.key for effect in reply.effects] == [f"{customer}/nurture.1/nudge/1"]


async def test_a_clock_that_runs_behind_never_takes_a_customer_back(
    store: Store, turns: StoreTurns, clock: ManualClock
) -> None:
    customer = await ana(store, "Trial Started")
    await take(turns, TurnRequest(customer))
    clock.instant = START - timedelta(hours=1)

    assert (await take(turns, TurnRequest(customer))).wake_in_ms == 1000


async def test_a_task_is_opened_with_its_text_in_the_same_turn(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Seats Added")

    reply = await take(turns, TurnRequest(customer))

    (task,) = await store.tasks(customer)
    assert (task.title, task.body, task.status) == ("Call Ana", "30 seats", "open")
    assert [effect.key for effect in reply.effects] == [f"{customer}/rollout.1/hello/1"]


async def test_a_task_whose_text_lacks_a_name_fails_and_the_playbook_goes_on(store: Store, turns: StoreTurns) -> None:
    await store.accept([traits("ben", START, email="ben@example.com"), event("ben", "Seats Added", START)], START)
    customer = await store.find("ben")

    reply = await take(turns, TurnRequest(customer))

    ended = [row.entry for row in await store.journal(customer) if row.entry.act == Act.STEP_ENDED]
    assert [(entry.step, entry.code, entry.reason) for entry in ended] == [("call", "failed", "template_error")]
    assert await store.tasks(customer) == []
    assert [effect.key for effect in reply.effects] == [f"{customer}/rollout.1/hello/1"]


async def test_a_person_who_ends_a_task_closes_it(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Seats Added")
    await take(turns, TurnRequest(customer))
    key = f"{customer}/rollout.1/call/1"
    await store.place_order_at_task(key, TaskEnded(at=START, key=key, outcome="done", by="sam"))

    await take(turns, TurnRequest(customer))

    assert [task.status for task in await store.tasks(customer)] == ["done"]


async def test_an_effect_that_failed_for_good_ends_its_step_once(store: Store, turns: StoreTurns) -> None:
    customer = await ana(store, "Account Created")
    (effect,) = (await take(turns, TurnRequest(customer))).effects
    failed = TurnRequest(customer, failed=(FailedEffect(effect.key, "provider_refused"),))

    assert await take(turns, failed) == TurnReply()
    assert await take(turns, failed) == TurnReply()

    ended = [row.entry for row in await store.journal(customer) if row.entry.act == Act.STEP_ENDED]
    assert [(entry.step, entry.code, entry.reason) for entry in ended] == [("hello", "failed", "provider_refused")]


async def test_a_customer_whom_nobody_knows_any_more_is_let_go(turns: StoreTurns) -> None:
    assert await take(turns, TurnRequest("contact-gone")) == TurnReply()


async def test_a_revision_published_meanwhile_is_loaded_by_the_turn_that_meets_it(
    store: Store, turns: StoreTurns, tmp_path: Path
) -> None:
    customer = await ana(store)
    await take(turns, TurnRequest(customer))
    later = "playbook: later\nenter: {on: [{event: Upgraded}]}\nsteps: [{wait: 3h}]\n"
    await publish(store, tmp_path / "later", START, {"playbooks/later.yaml": later})
    await store.accept([event("ana", "Upgraded", START)], START)

    assert (await take(turns, TurnRequest(customer))).wake_at == START + timedelta(hours=3)


async def test_a_new_revision_counts_what_happened_before_it(store: Store, turns: StoreTurns, tmp_path: Path) -> None:
    customer = await ana(store, "Logged In", "Logged In")
    await take(turns, TurnRequest(customer))
    loyal = """
        playbook: loyal
        enter:
          on: [{event: Checked Out}]
          where: count("Logged In") == 2
        steps: [{wait: 3h}]
        """
    await publish(store, tmp_path / "loyal", START, {"playbooks/loyal.yaml": loyal})
    await store.accept([event("ana", "Checked Out", START)], START)

    assert (await take(turns, TurnRequest(customer))).wake_at == START + timedelta(hours=3)
