"""Tries of messages and deliveries that people can look at, and what came back of messages."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from perennia.core.decisions import EffectEnded, Outcome
from perennia.core.retention import Kept
from perennia.store import SqlStore
from perennia.store.attempt_records import Attempt, Tried
from perennia.store.privacy_records import Erasure
from perennia.store.records import MessageReport, SendStatus
from tests.support.posts import AT, email, later, traits, write

BUSY = Tried(at=AT, provider="smtp", outcome="unavailable", said="the server is busy (451)", reply="451 later")


async def opened(store: SqlStore) -> str:
    """The key of a message to Ann that was released."""
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    return email(ann).key


def tried(**changes: object) -> Tried:
    return msgspec.structs.replace(BUSY, **changes)


async def test_tries_that_are_like_each_other_are_counted_together(store: SqlStore) -> None:
    key = await opened(store)
    for minutes in (0, 1, 2):
        await store.note_attempt(key, tried(at=later(minutes=minutes)))
    await store.note_attempt(key, tried(at=later(minutes=3), provider="spare"))

    first, second = (await store.attempts([key, "other"]))[key]

    said, reply = BUSY.said, BUSY.reply
    assert first == Attempt(
        at=AT,
        last_at=later(minutes=2),
        times=3,
        provider="smtp",
        outcome="unavailable",
        said=said,
        reply=reply,
    )
    assert (second.at, second.provider, second.times) == (later(minutes=3), "spare", 1)


async def test_a_provider_that_always_says_something_else_fills_twenty_rows_and_no_more(store: SqlStore) -> None:
    key = await opened(store)
    for number in range(25):
        await store.note_attempt(key, tried(at=later(minutes=number), said=f"error {number}"))

    rows = (await store.attempts([key]))[key]

    assert (len(rows), rows[-1].said, rows[-1].times, rows[-1].last_at) == (20, "error 24", 6, later(minutes=24))


async def test_a_try_of_a_key_that_nobody_knows_is_not_kept(store: SqlStore) -> None:
    await store.note_attempt("nobody/p.1/mail/1", BUSY)
    assert await store.attempts(["nobody/p.1/mail/1"]) == {}


async def test_tries_go_with_their_message_and_with_their_customer(store: SqlStore) -> None:
    key = await opened(store)
    await store.note_attempt(key, BUSY)
    await store.claim_message(key, AT)
    await store.end_message(key, SendStatus.SENT, EffectEnded(at=AT, key=key, outcome=Outcome.SENT), "smtp", None)
    await store.forget_page(Kept.MESSAGES, later(days=1), None, 100)
    assert await store.attempts([key]) == {}

    await store.accept([traits("m2", "eve", email="eve@x.io")], AT)
    eve = await store.find("eve")
    await store.turn(eve, lambda snapshot: write(snapshot, email(eve)))
    await store.note_attempt(email(eve).key, BUSY)
    erased = await store.erase("eve", None, Erasure(at=AT, by="kim"))
    assert erased.rows["attempts"] == 1


async def test_what_came_back_of_a_message_is_found_by_its_key(store: SqlStore) -> None:
    key = await opened(store)
    reference = email(await store.find("ann")).reference
    for number, (what, machine) in enumerate((("delivered", False), ("opened", True), ("clicked", False))):
        told = MessageReport(
            id=f"r{number}", provider="x", what=what, reference=reference, address=None, raw="{}", machine=machine
        )
        await store.hear_report(told, AT + timedelta(minutes=number))

    found = (await store.reports_on([key]))[key]

    assert [(one.what, one.machine) for one in found] == [("delivered", False), ("opened", True), ("clicked", False)]


async def test_a_message_that_ends_costs_the_same_whether_it_left_or_not(store: SqlStore) -> None:
    counts: list[int] = []
    for number, (status, outcome) in enumerate(
        ((SendStatus.SENT, Outcome.SENT), (SendStatus.SKIPPED, Outcome.SKIPPED), (SendStatus.FAILED, Outcome.FAILED))
    ):
        await store.accept([traits(f"t{number}", f"c{number}", email=f"c{number}@x.io")], AT)
        customer = await store.find(f"c{number}")
        key = email(customer).key
        await store.turn(customer, lambda snapshot, who=customer: write(snapshot, email(who)))
        await store.claim_message(key, AT)
        store.statements.by_act.clear()
        await store.end_message(key, status, EffectEnded(at=AT, key=key, outcome=outcome), "smtp", None)
        counts.append(store.statements.by_act["end_message"])
    assert counts == [3, 3, 3]
