"""What the hot paths cost in SQL: the count is our gate, whatever machine the tests run on."""

from __future__ import annotations

from collections import Counter

import msgspec

from perennia.core.decisions import Act, EffectEnded, JournalEntry, Outcome
from perennia.store import SqlStore
from perennia.store.records import SendStatus, TurnSnapshot, TurnWrite
from tests.support.posts import AT, email, enrolled, event, settle, traits, trigger, write


def counted(store: SqlStore) -> Counter[str]:
    """Statements since the last call, by act."""
    counts = Counter(store.statements.by_act)
    store.statements.by_act.clear()
    return counts


def decided(snapshot: TurnSnapshot, *entries: JournalEntry) -> TurnWrite:
    return msgspec.structs.replace(write(snapshot, state=enrolled(snapshot)), journal=entries)


ENTERED = JournalEntry(at=AT, act=Act.ENTERED, code="event", playbook="welcome")
ENDED = JournalEntry(at=AT, act=Act.ENDED, code="completed", playbook="welcome")


async def test_a_post_costs_as_many_statements_for_one_event_as_for_a_thousand(store: SqlStore) -> None:
    await trigger(store, "Signed Up")
    await store.accept([event(f"first-{n}", f"contact-{n}") for n in range(50)], AT)
    counted(store)

    await store.accept([event("one", "contact-1")], AT)
    one = counted(store)
    await store.accept([event(f"m{n}", f"contact-{n % 50}") for n in range(1000)], AT)
    thousand = counted(store)

    assert one == thousand == {"accept": 5}


async def test_a_post_of_duplicates_only_reads(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    counted(store)

    await store.accept([event("m1", "ann")], AT)

    assert counted(store) == {"accept": 3}


async def test_an_event_that_becomes_an_email_costs_at_most_24_statements(store: SqlStore) -> None:
    await trigger(store, "Signed Up")
    counted(store)

    await store.accept([traits("m1", "ann", email="ann@x.io"), event("m2", "ann", "Signed Up")], AT)
    ann = (await store.rung(100))[0]
    key = email(ann).key
    await store.turn(ann, lambda snapshot: msgspec.structs.replace(decided(snapshot, ENTERED), effects=(email(ann),)))
    await store.claim_message(key, AT)
    await store.end_message(key, SendStatus.SENT, EffectEnded(at=AT, key=key, outcome=Outcome.SENT), "smtp", None)
    await store.turn(ann, lambda snapshot: msgspec.structs.replace(decided(snapshot, ENDED), closed=(key,)))

    counts = counted(store)
    assert counts == {"accept": 6, "rung": 1, "turn": 11, "claim_message": 2, "end_message": 3}
    assert counts.total() == 23


async def test_a_turn_with_nothing_new_only_reads(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")
    ann = await store.find("ann")
    counted(store)

    await store.turn(ann, write)

    assert counted(store) == {"turn": 2}


async def test_a_turn_that_finds_only_a_bell_clears_it_with_one_statement(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")
    ann = await store.find("ann")
    await store.ring_all()
    counted(store)

    await store.turn(ann, write)

    assert counted(store) == {"turn": 3}
