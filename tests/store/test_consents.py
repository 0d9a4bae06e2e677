"""What a contact said of a topic: kept with its proof and its history, and confirmed first where the topic asks for it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from perennia.core.consent import address_mark
from perennia.core.decisions import ConsentAsked
from perennia.core.documents import Triggers
from perennia.store import SqlStore
from perennia.store.permission_records import ConsentLink, ConsentOutcome, ConsentRecord, ConsentSaid
from perennia.store.port import UnknownCustomer
from tests.support.posts import AT, later, merged, take_turn, traits


async def ann_of(store: SqlStore) -> str:
    """A contact with an address, in a workspace whose topic ``news`` asks for confirmation."""
    await store.accept([traits("m1", "ann", email="Ann@x.io")], AT)
    await store.publish([], Triggers(confirmed=("news",)), AT, "kim", None)
    return await store.find("ann")


def yes(at: datetime = AT, *, topic: str = "news", proven: bool = False) -> ConsentSaid:
    return ConsentSaid(
        topic=topic, given=True, at=at, source="form", text="2026-01", proof={"form": "footer"}, proven=proven
    )


def link_to(customer: str, at: datetime = AT, address: str = "ann@x.io") -> ConsentLink:
    return ConsentLink(customer=customer, topic="news", asked_at=at, mark=address_mark(customer, "news", address))


async def states(store: SqlStore, customer: str, now: datetime) -> dict[str, str]:
    return {each.topic: each.state for each in await store.consent_standings(customer, now)}


async def test_a_yes_is_kept_with_its_text_and_its_proof(store: SqlStore) -> None:
    ann = await ann_of(store)

    assert await store.say_consent(ann, yes(topic="tips")) is ConsentOutcome.GIVEN

    assert await store.consent_records(ann) == [
        ConsentRecord(topic="tips", act="given", at=AT, source="form", text="2026-01", proof={"form": "footer"})
    ]
    (line,) = await store.journal(ann)
    assert (line.entry.code, line.entry.detail["text"]) == ("given", "2026-01")


async def test_the_history_keeps_what_the_last_word_took_back(store: SqlStore) -> None:
    ann = await ann_of(store)
    await store.say_consent(ann, yes(topic="tips"))
    await store.unsubscribe(ann, "tips", later(days=1), "one-click")

    assert [(each.act, each.source) for each in await store.consent_records(ann)] == [
        ("withdrawn", "one-click"),
        ("given", "form"),
    ]
    assert await states(store, ann, later(days=2)) == {"tips": "withdrawn"}


async def test_a_topic_that_asks_for_it_waits_to_be_confirmed(store: SqlStore) -> None:
    ann = await ann_of(store)

    assert await store.say_consent(ann, yes()) is ConsentOutcome.ASKED

    seen = await take_turn(store, "ann")
    assert seen.inputs[-1] == ConsentAsked(at=AT, seq=2, topic="news")
    assert (seen.recipient.consents, seen.recipient.pending) == ({}, {"news": AT + timedelta(days=7)})
    assert await states(store, ann, later(days=1)) == {"news": "pending"}


async def test_nobody_is_asked_twice_a_day_however_many_ask_at_once(store: SqlStore, neighbour: SqlStore) -> None:
    ann = await ann_of(store)

    outcomes = await asyncio.gather(*(each.say_consent(ann, yes()) for each in (store, neighbour, store, neighbour)))

    assert sorted(outcomes) == ["asked", "waiting", "waiting", "waiting"]
    assert await store.say_consent(ann, yes(later(hours=23))) is ConsentOutcome.WAITING
    assert await store.say_consent(ann, yes(later(hours=24))) is ConsentOutcome.ASKED


async def test_taking_it_back_and_asking_anew_sends_no_second_message_that_day(store: SqlStore) -> None:
    ann = await ann_of(store)
    await store.say_consent(ann, yes())
    await store.unsubscribe(ann, "news", later(hours=1), "page")

    assert not await store.confirm_consent(link_to(ann), later(hours=2), {})
    assert await store.say_consent(ann, yes(later(hours=3))) is ConsentOutcome.WAITING
    assert await store.confirm_consent(link_to(ann), later(hours=4), {})


async def test_a_no_to_what_waits_to_be_confirmed_is_kept_though_the_last_word_was_no(store: SqlStore) -> None:
    ann = await ann_of(store)
    await store.unsubscribe(ann, "news", AT, "page")
    await store.say_consent(ann, yes())

    assert await store.unsubscribe(ann, "news", later(hours=1), "one-click")

    assert [each.act for each in await store.consent_records(ann)] == ["withdrawn", "asked", "withdrawn"]
    assert await states(store, ann, later(hours=2)) == {"news": "withdrawn"}


async def test_confirming_gives_consent_with_its_own_proof_and_once_more_changes_nothing(store: SqlStore) -> None:
    ann = await ann_of(store)
    await store.say_consent(ann, yes())

    assert await store.confirm_consent(link_to(ann), later(hours=1), {"ip": "192.0.2.1"})
    assert await store.confirm_consent(link_to(ann), later(hours=2), {"ip": "192.0.2.1"})

    given, asked = await store.consent_records(ann)
    assert (given.act, given.source, given.text, given.proof) == (
        "given",
        "confirmed",
        "2026-01",
        {"ip": "192.0.2.1"},
    )
    assert (asked.act, asked.proof) == ("asked", {"form": "footer"})
    assert (await take_turn(store, "ann")).recipient.consents == {"news": True}


@pytest.mark.parametrize(
    ("hours", "address", "counts"), [(167, "ann@x.io", True), (168, "ann@x.io", False), (1, "old@x.io", False)]
)
async def test_a_link_confirms_for_a_week_and_for_its_address(
    store: SqlStore, hours: int, address: str, counts: bool
) -> None:
    ann = await ann_of(store)
    await store.say_consent(ann, yes())

    assert await store.confirm_consent(link_to(ann, address=address), later(hours=hours), {}) is counts


async def test_a_link_confirms_nothing_that_nobody_asked_for(store: SqlStore) -> None:
    ann = await ann_of(store)

    assert not await store.confirm_consent(link_to(ann), later(hours=1), {})
    with pytest.raises(UnknownCustomer):
        await store.confirm_consent(link_to("contact-nobody"), later(hours=1), {})


async def test_what_only_the_owner_of_the_address_can_say_needs_no_confirmation(store: SqlStore) -> None:
    ann = await ann_of(store)

    assert await store.say_consent(ann, yes(proven=True)) is ConsentOutcome.GIVEN


async def test_proof_and_open_question_go_along_when_two_contacts_turn_out_to_be_one(store: SqlStore) -> None:
    await store.accept([traits("m2", "old", email="ann@x.io"), traits("m3", "eve")], AT)
    await store.publish([], Triggers(confirmed=("news",)), AT, "kim", None)
    old, eve = await store.find("old"), await store.find("eve")
    await store.say_consent(old, yes())

    await store.accept([merged("old", "eve")], AT)

    assert [each.act for each in await store.consent_records(eve)] == ["asked"]
    await take_turn(store, "eve")
    assert await states(store, eve, later(hours=1)) == {"news": "pending"}
    assert await store.confirm_consent(link_to(old), later(hours=1), {})
