"""What a contact was sent that may count under its caps, and whose held messages are looked at at once."""

from __future__ import annotations

import msgspec

from perennia.core.decisions import EffectEnded, Outcome, SendEmail
from perennia.core.state import LedgerEntry
from perennia.store import SqlStore
from perennia.store.records import NeedsLedger, SendStatus, TurnSnapshot, TurnWrite
from tests.support.posts import AT, email, later, traits, write


async def ann_was_sent(store: SqlStore, *messages: SendEmail) -> str:
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, *messages))
    return ann


def message(key: str, *, transactional: bool = False, priority: int = 50) -> SendEmail:
    return msgspec.structs.replace(email("x"), key=key, transactional=transactional, priority=priority)


async def end(store: SqlStore, key: str, outcome: Outcome, status: SendStatus, **after: int) -> None:
    await store.end_message(key, status, EffectEnded(at=later(**after), key=key, outcome=outcome), "smtp", None)


async def test_what_is_reserved_or_sent_takes_a_place_and_what_did_not_leave_takes_none(store: SqlStore) -> None:
    ann = await ann_was_sent(store, *(message(key) for key in ("reserved", "sent", "refused", "late")))
    await end(store, "sent", Outcome.SENT, SendStatus.SENT, seconds=2)
    await end(store, "late", Outcome.SENT, SendStatus.SENT, hours=3)
    await end(store, "refused", Outcome.FAILED, SendStatus.FAILED)

    assert await store.counted_messages(ann, later(days=-7)) == (
        LedgerEntry(key="reserved", at=AT, topic="tips", priority=50, left=False),
        LedgerEntry(key="sent", at=AT, topic="tips", priority=50, left=True),
        LedgerEntry(key="late", at=later(hours=3), topic="tips", priority=50, left=True),
    )


async def test_a_message_that_is_being_sent_cannot_be_taken_back(store: SqlStore) -> None:
    ann = await ann_was_sent(store, message("m", priority=80))
    await store.claim_message("m", AT)

    (entry,) = await store.counted_messages(ann, AT)

    assert (entry.left, entry.priority) == (True, 80)


async def test_transactional_mail_takes_no_place(store: SqlStore) -> None:
    ann = await ann_was_sent(store, message("m", transactional=True))

    assert await store.counted_messages(ann, AT) == ()


async def test_what_was_sent_before_does_not_count_but_what_has_not_left_does(store: SqlStore) -> None:
    ann = await ann_was_sent(store, message("sent"), message("reserved"))
    await end(store, "sent", Outcome.SENT, SendStatus.SENT)

    (entry,) = await store.counted_messages(ann, later(days=1))

    assert entry.key == "reserved"


async def test_a_turn_is_given_the_ledger_that_it_asks_for(store: SqlStore) -> None:
    ann = await ann_was_sent(store, message("m"))
    seen: list[tuple[LedgerEntry, ...] | None] = []

    def take(snapshot: TurnSnapshot) -> TurnWrite | NeedsLedger:
        seen.append(snapshot.recipient.ledger)
        return NeedsLedger(AT) if snapshot.recipient.ledger is None else write(snapshot)

    await store.turn(ann, take)

    assert seen == [None, (LedgerEntry(key="m", at=AT, topic="tips", priority=50),)]


async def test_who_waits_with_a_message_is_rung_when_a_permission_is_withdrawn(store: SqlStore) -> None:
    ann = await ann_was_sent(store)
    await store.turn(ann, lambda snapshot: write(snapshot, watching=("permission",)))
    assert await store.rung(10) == []

    await store.unsubscribe(ann, "tips", AT, "link")

    assert await store.rung(10) == [ann]


async def test_who_waits_with_a_message_is_rung_when_the_address_is_suppressed(store: SqlStore) -> None:
    ann = await ann_was_sent(store)
    await store.turn(ann, lambda snapshot: write(snapshot, watching=("permission",)))

    await store.suppress("ann@x.io", "complaint", AT)

    assert await store.rung(10) == [ann]
