"""Contacts and their accounts, devices whose person is not known yet, and contacts that turn out to be one."""

from __future__ import annotations

import asyncio

from perennia.core.decisions import (
    Act,
    EffectEnded,
    Outcome,
    TraitsChanged,
)
from perennia.store import SqlStore
from perennia.store.records import NeedsHistory, SendStatus, TurnSnapshot, TurnWrite
from tests.support.posts import (
    AT,
    Turn,
    email,
    enrolled,
    event,
    later,
    member,
    merged,
    names,
    of_device,
    settle,
    take_turn,
    traits,
    trigger,
    write,
)

# --- strangers ------------------------------------------------------------------------------------------------------


async def test_an_event_of_an_unknown_device_disturbs_nobody(store: SqlStore) -> None:
    await trigger(store, "Viewed")

    receipt = await store.accept([of_device("m1", "phone")], AT)

    assert (receipt.accepted, receipt.rung) == (1, ())
    assert await store.customers() == []
    assert (await store.totals()).events == 1


async def test_what_a_device_did_becomes_its_persons_in_order_once_it_is_named(store: SqlStore) -> None:
    await store.accept([of_device("m1", "phone", "First"), of_device("m2", "phone", "Second")], AT)

    await store.accept([of_device("m3", "phone", "Third"), of_device("m4", "phone", "Fourth", who="ann")], AT)

    assert names(await take_turn(store, "ann")) == ["First", "Second", "Third", "Fourth"]


async def test_a_device_that_was_named_stays_its_persons(store: SqlStore) -> None:
    await store.accept([of_device("m1", "phone", "First", who="ann")], AT)

    await store.accept([of_device("m2", "phone", "Second")], AT)

    assert names(await take_turn(store, "ann")) == ["First", "Second"]


async def test_a_device_belongs_to_whoever_used_it_last(store: SqlStore) -> None:
    await store.accept(
        [of_device("m1", "phone", "First", who="ann"), of_device("m2", "phone", "Second", who="bob")], AT
    )

    await store.accept([of_device("m3", "phone", "Third")], AT)

    assert names(await take_turn(store, "ann")) == ["First"]
    assert names(await take_turn(store, "bob")) == ["Second", "Third"]


async def test_a_strangers_duplicate_is_known_before_and_after_it_is_claimed(store: SqlStore) -> None:
    await store.accept([of_device("m1", "phone")], AT)
    before = await store.accept([of_device("m1", "phone")], AT)
    await store.accept([of_device("m2", "phone", who="ann")], AT)
    after = await store.accept([of_device("m1", "phone")], AT)

    assert (before.duplicates, after.duplicates) == (1, 1)
    assert len((await take_turn(store, "ann")).inputs) == 2


async def test_a_claimed_event_that_triggers_rings(store: SqlStore) -> None:
    await trigger(store, "Signed Up")
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")
    await store.accept([of_device("m2", "phone", "Signed Up")], AT)

    receipt = await store.accept([of_device("m3", "phone", "Scrolled", who="ann")], AT)

    assert receipt.rung == (await store.find("ann"),)


async def test_no_event_of_a_device_is_lost_when_it_is_named_at_the_same_moment(
    store: SqlStore, neighbour: SqlStore
) -> None:
    devices = [f"phone-{n}" for n in range(12)]

    async def wander() -> None:
        for device in devices:
            await store.accept([of_device(f"w-{device}", device)], AT)

    async def name() -> None:
        for device in devices:
            await neighbour.accept([of_device(f"n-{device}", device, who="ann")], AT)

    await asyncio.gather(wander(), name())

    assert len((await take_turn(store, "ann")).inputs) == 24


# --- merges ---------------------------------------------------------------------------------------------------------


async def test_a_merge_of_a_device_hands_its_events_over(store: SqlStore) -> None:
    await store.accept([of_device("m1", "phone", "First")], AT)

    await store.accept([merged("phone", "ann"), of_device("m2", "phone", "Second")], AT)

    assert names(await take_turn(store, "ann")) == ["First", "Second"]


async def test_after_a_merge_the_former_id_means_the_other_contact(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), event("m2", "ann"), merged("old", "ann"), event("m3", "old", "After")], AT)

    assert await store.find("old") == await store.find("ann")
    assert "After" in names(await take_turn(store, "ann"))


async def test_an_unknown_former_id_is_an_alias_from_then_on(store: SqlStore) -> None:
    await store.accept([merged("old", "ann")], AT)

    await store.accept([event("m1", "old", "After")], AT)

    assert await store.find("old") == await store.find("ann")
    assert names(await take_turn(store, "ann")) == ["After"]


async def test_what_the_former_contact_had_not_read_happens_to_the_other_one(store: SqlStore) -> None:
    await store.accept([event("m1", "old", "Unread"), event("m2", "ann", "Own")], AT)

    await store.accept([merged("old", "ann")], AT)

    assert names(await take_turn(store, "ann")) == ["Own", "Unread"]


async def test_what_the_former_contact_had_read_is_history_and_no_input(store: SqlStore) -> None:
    await store.accept([event("m1", "old", "Bought"), event("m2", "ann", "Own")], AT)
    await settle(store, "old", "ann")
    await store.accept([merged("old", "ann")], AT)

    def ask(snapshot: TurnSnapshot) -> TurnWrite | NeedsHistory:
        return NeedsHistory(("Bought",)) if snapshot.history is None else write(snapshot)

    turn = Turn(ask)
    await store.turn(await store.find("ann"), turn)

    assert turn.inputs == ()
    assert [each.name for each in turn.seen[-1].history or ()] == ["Bought"]


async def test_past_events_make_the_next_turn_count_anew(store: SqlStore) -> None:
    await store.accept([event("m1", "old", "Bought"), event("m2", "ann")], AT)
    await settle(store, "old")
    await store.accept([merged("old", "ann")], AT)

    state = (await take_turn(store, "ann")).state

    # Neither None (never counted) nor any catalog's own.
    assert state is not None
    assert state.tallied == "merged"


async def test_the_other_contact_keeps_its_own_traits_and_gets_those_it_lacks(store: SqlStore) -> None:
    await store.accept([traits("m1", "old", plan="free", email="old@x.io"), traits("m2", "ann", plan="pro")], AT)

    await store.accept([merged("old", "ann")], AT)

    seen = await take_turn(store, "ann")
    assert seen.inputs[-1] == TraitsChanged(at=AT, seq=2, traits={"email": "old@x.io"})
    assert seen.recipient.address == "old@x.io"


async def test_a_no_of_the_former_contact_is_kept(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), event("m2", "ann")], AT)
    await store.unsubscribe(await store.find("old"), "tips", AT, "link")

    await store.accept([merged("old", "ann")], AT)

    assert (await take_turn(store, "ann")).recipient.consents == {"tips": False}


async def test_the_account_goes_along(store: SqlStore) -> None:
    await store.accept([member("m1", "old", "acme"), event("m2", "ann")], AT)

    await store.accept([merged("old", "ann")], AT)

    assert (await take_turn(store, "ann")).account == "acme"


async def test_the_former_contact_ends_there(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), event("m2", "ann")], AT)
    old = await store.find("old")
    await store.turn(old, lambda snapshot: write(snapshot, email(old), state=enrolled(snapshot), wake_at=later(days=1)))
    await store.accept([merged("old", "ann")], AT)

    turn = Turn()
    outcome = await store.turn(old, turn)

    assert turn.seen == []
    assert (outcome.effects, outcome.wake_at, outcome.unread) == ((), None, False)
    (row,) = await store.journal(old)
    assert (row.entry.act, row.entry.code, row.entry.enrollment) == (Act.ENDED, "merged", "welcome.1")
    (message,) = await store.messages(old)
    assert (message.status, message.reason) == (SendStatus.SKIPPED, "merged")


async def test_both_contacts_of_a_merge_are_rung(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), event("m2", "ann")], AT)
    old, ann = await store.find("old"), await store.find("ann")
    await settle(store, "old", "ann")

    receipt = await store.accept([merged("old", "ann")], AT)

    assert sorted(receipt.rung) == sorted((old, ann))


async def test_a_message_under_way_during_a_merge_is_recorded_and_troubles_nobody(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), event("m2", "ann")], AT)
    old = await store.find("old")
    message = email(old)
    await store.turn(old, lambda snapshot: write(snapshot, message))
    await store.claim_message(message.key, AT)
    await store.accept([merged("old", "ann")], AT)

    ended = EffectEnded(at=AT, key=message.key, outcome=Outcome.SENT)
    await store.end_message(message.key, SendStatus.SENT, ended, "smtp", None)
    outcome = await store.turn(old, Turn())

    assert outcome.unread is False
    assert [each.status for each in await store.messages(old)] == [SendStatus.SENT]


async def test_merges_in_a_row_end_at_the_last_contact(store: SqlStore) -> None:
    await store.accept([event("m1", "one", "One"), event("m2", "two", "Two"), event("m3", "three", "Three")], AT)

    await store.accept([merged("one", "two", "a"), merged("two", "three", "b")], AT)

    assert await store.find("one") == await store.find("three")
    assert sorted(names(await take_turn(store, "three"))) == ["One", "Three", "Two"]


async def test_a_merge_that_comes_twice_counts_once(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), merged("old", "ann")], AT)

    receipt = await store.accept([merged("old", "ann")], AT)

    assert (receipt.accepted, receipt.duplicates) == (0, 1)


async def test_an_event_keeps_its_message_id_through_a_merge(store: SqlStore) -> None:
    await store.accept([event("m1", "old"), traits("m2", "old", plan="pro"), merged("old", "ann")], AT)

    receipt = await store.accept([event("m1", "old"), traits("m2", "old", plan="pro")], AT)

    assert receipt.duplicates == 2
