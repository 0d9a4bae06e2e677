from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from perennia.core.decisions import EffectEnded, Outcome
from perennia.store import SqlStore
from perennia.store.port import UnknownCustomer
from perennia.store.records import Sending, SendStatus
from tests.support.posts import AT, email, enrolled, event, later, settle, take_turn, traits, write


async def reserved(store: SqlStore, *, paused: bool = False) -> str:
    """A customer with an open message. Returns the message's key."""
    await store.accept([traits("m1", "ann", email="Ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann), state=enrolled(snapshot, paused=paused)))
    return email(ann).key


def sent(key: str) -> EffectEnded:
    return EffectEnded(at=later(minutes=1), key=key, outcome=Outcome.SENT, result={"message_id": "1@x"})


async def status(store: SqlStore) -> SendStatus:
    (message,) = await store.messages()
    return message.status


async def test_a_released_message_is_reserved(store: SqlStore) -> None:
    key = await reserved(store)

    (message,) = await store.messages()
    assert (message.key, message.status, message.template, message.topic) == (key, SendStatus.RESERVED, "hello", "tips")
    assert (message.released_at, message.ended_at) == (AT, None)


async def test_a_claim_says_go_once(store: SqlStore) -> None:
    key = await reserved(store)

    first, second = await store.claim_message(key, AT), await store.claim_message(key, AT)

    assert (first.before, second.before) == (SendStatus.RESERVED, SendStatus.SENDING)
    assert first.effect is not None
    assert await status(store) is SendStatus.SENDING


async def test_of_claims_at_once_one_goes(store: SqlStore, neighbour: SqlStore) -> None:
    key = await reserved(store)

    claims = await asyncio.gather(*(each.claim_message(key, AT) for each in (store, neighbour, store, neighbour)))

    assert [claim.before for claim in claims].count(SendStatus.RESERVED) == 1


async def test_a_claim_shows_the_recipient_as_it_is_now(store: SqlStore) -> None:
    key = await reserved(store)
    ann = await store.find("ann")
    await store.unsubscribe(ann, "tips", AT, "link")
    await store.consent(ann, "news", given=True, at=AT, source="form")
    await store.suppress("ann@X.IO", "complaint", AT)

    recipient = (await store.claim_message(key, AT)).recipient

    assert (recipient.address, recipient.suppressed) == ("Ann@x.io", True)
    assert recipient.consents == {"tips": False, "news": True}


async def test_a_paused_enrollments_message_stays_reserved(store: SqlStore) -> None:
    key = await reserved(store, paused=True)

    sending = await store.claim_message(key, AT)

    assert (sending.paused, sending.before) == (True, SendStatus.RESERVED)
    assert await status(store) is SendStatus.RESERVED


async def test_a_withdrawn_message_has_no_effect_to_carry_out(store: SqlStore) -> None:
    key = await reserved(store)
    await store.turn(await store.find("ann"), lambda snapshot: write(snapshot, closed=(key,)))

    sending = await store.claim_message(key, AT)

    assert (sending.effect, sending.before) == (None, SendStatus.SKIPPED)


async def test_a_key_that_nobody_reserved_is_not_to_be_sent(store: SqlStore) -> None:
    sending: Sending = await store.claim_message("nobody/p.1/s/1", AT)

    assert (sending.effect, sending.erased) == (None, True)


async def test_a_message_that_certainly_did_not_leave_may_be_claimed_again(store: SqlStore) -> None:
    key = await reserved(store)
    await store.claim_message(key, AT)

    await store.release_message(key)

    assert (await store.claim_message(key, AT)).before is SendStatus.RESERVED


async def test_a_message_that_has_ended_is_not_released(store: SqlStore) -> None:
    key = await reserved(store)
    await store.claim_message(key, AT)
    await store.end_message(key, SendStatus.SENT, sent(key), "smtp", "42")

    await store.release_message(key)

    assert await status(store) is SendStatus.SENT


async def test_an_end_is_the_customers_next_input_and_sets_the_flag_without_a_doorbell(store: SqlStore) -> None:
    key = await reserved(store)
    await store.claim_message(key, AT)

    await store.end_message(key, SendStatus.SENT, sent(key), "smtp", "42")

    assert await store.rung(10) == []
    assert (await take_turn(store, "ann")).inputs == (
        EffectEnded(at=later(minutes=1), seq=2, key=key, outcome=Outcome.SENT, result={"message_id": "1@x"}),
    )
    (message,) = await store.messages()
    assert (message.provider, message.provider_id, message.ended_at) == ("smtp", "42", later(minutes=1))


async def test_a_flag_without_a_doorbell_is_found_by_the_sweep(store: SqlStore) -> None:
    key = await reserved(store)
    await store.end_message(key, SendStatus.SENT, sent(key), "smtp", "42")
    ann = await store.find("ann")

    assert await store.forgotten(later(hours=2), timedelta(hours=1), 10) == [ann]


async def test_an_event_after_an_effects_end_still_rings(store: SqlStore) -> None:
    key = await reserved(store)
    await store.end_message(key, SendStatus.SENT, sent(key), "smtp", "42")
    ann = await store.find("ann")

    await store.place_order(ann, sent("other"))

    assert await store.rung(10) == [ann]


async def test_a_key_ends_once(store: SqlStore) -> None:
    key = await reserved(store)
    await store.claim_message(key, AT)
    await store.end_message(key, SendStatus.SENT, sent(key), "smtp", "42")

    failed = EffectEnded(at=later(hours=1), key=key, outcome=Outcome.FAILED)
    await store.end_message(key, SendStatus.FAILED, failed, "smtp", None)

    assert await status(store) is SendStatus.SENT
    assert [each.seq for each in (await take_turn(store, "ann")).inputs] == [2]


async def test_ends_of_one_key_at_once_append_one_input(store: SqlStore, neighbour: SqlStore) -> None:
    key = await reserved(store)

    await asyncio.gather(
        *(each.end_message(key, SendStatus.SENT, sent(key), "smtp", None) for each in (store, neighbour, store))
    )

    assert len((await take_turn(store, "ann")).inputs) == 1


async def test_messages_are_listed_with_the_last_released_first(store: SqlStore) -> None:
    await store.accept([event("m1", "ann"), event("m2", "bob")], AT)
    ann, bob = await store.find("ann"), await store.find("bob")
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    await store.turn(bob, lambda snapshot: write(snapshot, email(bob)))

    assert [each.customer for each in await store.messages(bob)] == [bob]
    assert len(await store.messages(limit=1)) == 1


# --- permission -----------------------------------------------------------------------------------------------------


async def test_a_no_to_a_topic_is_recorded_once(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    ann = await store.find("ann")

    assert await store.unsubscribe(ann, "tips", AT, "link")
    assert not await store.unsubscribe(ann, "tips", later(hours=1), "link")
    assert await store.consent(ann, "tips", given=True, at=later(hours=2), source="form")
    assert (await take_turn(store, "ann")).recipient.consents == {"tips": True}


async def test_a_consent_of_nobody_is_an_unknown_customer(store: SqlStore) -> None:
    with pytest.raises(UnknownCustomer):
        await store.unsubscribe("contact-nobody", "tips", AT, "link")


async def test_an_address_is_suppressed_once_whatever_its_spelling(store: SqlStore) -> None:
    assert await store.suppress(" Ann@X.io", "bounced", AT)
    assert not await store.suppress("ann@x.io", "complaint", AT)


async def test_a_settled_customer_stays_quiet_when_a_consent_changes(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")

    await store.unsubscribe(await store.find("ann"), "tips", AT, "link")

    assert await store.rung(10) == []
