from __future__ import annotations

from datetime import timedelta

from perennia.store import SqlStore
from perennia.store.records import Merge
from tests.support.posts import AT, email, event, later, settle, write

AGE = timedelta(minutes=10)


async def customer(store: SqlStore, who: str = "ann") -> str:
    await store.accept([event(f"m-{who}", who)], AT)
    return await store.find(who)


async def test_bells_are_told_longest_first_and_no_more_than_asked_for(store: SqlStore) -> None:
    for minute, who in enumerate(("ann", "bob", "cid")):
        await store.accept([event(f"m-{who}", who)], later(minutes=minute))

    assert await store.rung(2) == [await store.find("ann"), await store.find("bob")]


async def test_a_bell_that_rings_again_keeps_its_place(store: SqlStore) -> None:
    await customer(store, "ann")
    await store.accept([event("m-bob", "bob")], later(minutes=1))

    await store.accept([event("m2", "ann")], later(minutes=2))

    assert await store.rung(1) == [await store.find("ann")]


async def test_everybody_can_be_rung(store: SqlStore) -> None:
    ann, bob = await customer(store, "ann"), await customer(store, "bob")
    await settle(store, "ann", "bob")

    assert await store.ring_all() == 2
    assert sorted(await store.rung(10)) == sorted((ann, bob))


async def test_a_merged_customer_is_not_rung_with_everybody(store: SqlStore) -> None:
    await customer(store, "old")
    await store.accept([Merge(message_id="m", at=AT, previous_id="old", external_id="ann")], AT)

    assert await store.ring_all() == 1


async def test_a_settled_customer_is_not_forgotten(store: SqlStore) -> None:
    await customer(store)
    await settle(store, "ann")

    assert await store.forgotten(later(days=400), AGE, 10) == []


async def test_a_bell_is_forgotten_when_it_is_old(store: SqlStore) -> None:
    ann = await customer(store)

    assert await store.forgotten(later(minutes=9), AGE, 10) == []
    assert await store.forgotten(later(minutes=11), AGE, 10) == [ann]


async def test_an_overdue_wake_up_is_forgotten(store: SqlStore) -> None:
    ann = await customer(store)
    await store.turn(ann, lambda snapshot: write(snapshot, wake_at=later(days=1)))

    assert await store.forgotten(later(days=1, minutes=9), AGE, 10) == []
    assert await store.forgotten(later(days=1, minutes=11), AGE, 10) == [ann]


async def test_an_old_open_effect_is_forgotten(store: SqlStore) -> None:
    ann = await customer(store)
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))

    assert await store.forgotten(later(minutes=9), AGE, 10) == []
    assert await store.forgotten(later(minutes=11), AGE, 10) == [ann]


async def test_one_who_stays_forgotten_comes_back_ever_more_rarely(store: SqlStore) -> None:
    ann = await customer(store)
    found = [minute for minute in range(0, 200, 10) if await store.forgotten(later(minutes=minute), AGE, 10) == [ann]]

    # Not before its bell is older than the age; then after one, two, four and eight times the age.
    assert found == [20, 30, 50, 90, 170]


async def test_a_turn_that_finds_something_to_do_starts_the_sweep_anew(store: SqlStore) -> None:
    ann = await customer(store)
    await store.forgotten(later(minutes=20), AGE, 10)
    await store.forgotten(later(minutes=30), AGE, 10)
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))

    assert await store.forgotten(later(minutes=31), AGE, 10) == [ann]


async def test_a_turn_with_nothing_new_does_not(store: SqlStore) -> None:
    ann = await customer(store)
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    await store.forgotten(later(minutes=20), AGE, 10)
    await store.forgotten(later(minutes=30), AGE, 10)
    await store.turn(ann, write)

    assert await store.forgotten(later(minutes=31), AGE, 10) == []


async def test_the_sweep_comes_to_everybody_by_and_by(store: SqlStore) -> None:
    everybody = {await customer(store, f"contact-{n}") for n in range(5)}

    found = [await store.forgotten(later(minutes=20), AGE, 2) for _ in range(4)]

    assert [len(each) for each in found] == [2, 2, 1, 0]
    assert {customer for each in found for customer in each} == everybody
