"""An account and its contacts in the store: who belongs to whom, and what they tell each other."""

from __future__ import annotations

import asyncio

import msgspec

from perennia.core.decisions import (
    AccountTraitsChanged,
    ContactChanged,
    CustomerEvent,
    Telling,
    TraitsChanged,
)
from perennia.store import SqlStore
from perennia.store.records import Accepted, NeedsHistory, TurnSnapshot, TurnWrite
from tests.support.posts import (
    AT,
    account_traits,
    event,
    joined,
    member,
    merged,
    names,
    news_to,
    settle,
    state_of,
    take_turn,
    traits,
    write,
)

# --- accounts -------------------------------------------------------------------------------------------------------


async def test_a_contacts_event_is_its_accounts_too(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), event("m2", "ann", "Logged In", device="phone")], AT)

    seen = await take_turn(store, "acme", "account")

    assert seen.inputs == (
        joined("ann", await store.find("ann"), 1),
        CustomerEvent(at=AT, seq=2, name="Logged In", properties={"device": "phone", "contact": "ann"}),
    )


async def test_a_duplicate_event_reaches_the_account_once(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), event("m2", "ann"), event("m2", "ann")], AT)
    await store.accept([event("m2", "ann")], AT)

    assert names(await take_turn(store, "acme", "account")) == ["Viewed"]


async def test_a_contacts_traits_are_not_its_accounts(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), traits("m2", "ann", plan="pro")], AT)

    assert (await take_turn(store, "acme", "account")).inputs == (joined("ann", await store.find("ann"), 1),)


async def test_an_account_learns_its_contacts_roles_however_they_were_told(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", roles=["admin"]), traits("m2", "bob", roles="billing")], AT)

    def read(snapshot: TurnSnapshot) -> TurnWrite:
        state = state_of(snapshot)
        state.facts.traits = {"roles": ["admin"]}
        return write(snapshot, state=state)

    await store.turn(await store.find("ann"), read)

    await store.accept([member(f"{who} joins", who, "acme") for who in ("ann", "bob")], AT)
    ann, bob = await store.find("ann"), await store.find("bob")
    first = await take_turn(store, "acme", "account")
    await store.accept([traits("m5", "ann", roles=None)], AT)

    assert first.inputs == (joined("ann", ann, 1, "admin"), joined("bob", bob, 2, "billing"))
    assert (await take_turn(store, "acme", "account")).inputs == (joined("ann", ann, 3),)


async def test_a_contact_that_changes_its_account_leaves_the_former_one(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), member("m2", "ann", "other")], AT)
    ann = await store.find("ann")

    assert (await take_turn(store, "acme", "account")).inputs == (
        joined("ann", ann, 1),
        ContactChanged(at=AT, seq=2, contact=ann, ref="ann", roles=None),
    )
    assert (await take_turn(store, "other", "account")).inputs == (joined("ann", ann, 1),)


async def test_a_contact_that_was_merged_leaves_its_account_and_the_other_one_joins(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), event("m2", "ann.b")], AT)
    ann, other = await store.find("ann"), await store.find("ann.b")
    await settle(store, "acme")

    await store.accept([merged("ann", into="ann.b")], AT)

    assert (await take_turn(store, "acme", "account")).inputs == (
        joined("ann.b", other, 2),
        ContactChanged(at=AT, seq=3, contact=ann, ref="ann", roles=None),
    )


async def test_a_change_of_contacts_rings_an_account_that_watches_for_it(store: SqlStore) -> None:
    await store.accept([account_traits("m1", "acme"), event("m2", "ann")], AT)
    await settle(store, "ann")
    acme = await store.find("acme")
    await store.turn(acme, lambda snapshot: write(snapshot, watching=("contacts",)))

    receipt = await store.accept([member("m3", "ann", "acme")], AT)

    assert acme in receipt.rung


# --- what a decision raises, and what it tells others ---------------------------------------------------------------

RAISED = CustomerEvent(at=AT, name="Greeted")


def raising(snapshot: TurnSnapshot) -> TurnWrite:
    copy = CustomerEvent(at=AT, name="Greeted", properties={"contact": "ann"})
    return msgspec.structs.replace(write(snapshot), heard=(RAISED,), tellings=(Telling(to=None, input=copy),))


async def test_an_event_that_a_turn_raised_is_past_for_the_next_one_and_in_its_history(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    ann = await store.find("ann")
    await store.turn(ann, raising)
    histories: list[tuple[CustomerEvent, ...] | None] = []

    def recall(snapshot: TurnSnapshot) -> TurnWrite | NeedsHistory:
        if snapshot.history is None:
            assert snapshot.inputs == ()
            return NeedsHistory(("Greeted",))
        histories.append(snapshot.history)
        return write(snapshot)

    await store.turn(ann, recall)

    assert histories == [(msgspec.structs.replace(RAISED, seq=2),)]
    assert await store.cursor(ann) == 2


async def test_an_event_that_a_turn_raised_leaves_the_order_of_what_comes_next(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    await store.turn(await store.find("ann"), raising)

    await store.accept([event("m2", "ann")], AT)

    assert [each.seq for each in (await take_turn(store, "ann")).inputs] == [3]


async def test_a_contacts_turn_tells_its_account_and_rings_it_where_that_concerns_it(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme")], AT)
    acme, ann = await store.find("acme"), await store.find("ann")
    await settle(store, "acme")

    unconcerned = await store.turn(ann, raising)
    await store.turn(acme, lambda snapshot: write(snapshot, watching=("event:Greeted",)))
    concerned = await store.turn(ann, raising)

    assert (unconcerned.rung, concerned.rung) == ((), (acme,))


async def test_contacts_and_their_account_that_tell_each_other_at_once_do_not_block_each_other(
    store: SqlStore, neighbour: SqlStore
) -> None:
    people = [f"contact-{n}" for n in range(6)]
    await store.accept([member(f"join-{who}", who, "acme") for who in people], AT)
    acme, contacts = await store.find("acme"), [await store.find(who) for who in people]

    def tell(snapshot: TurnSnapshot) -> TurnWrite:
        return msgspec.structs.replace(write(snapshot), tellings=tuple(news_to(contact) for contact in contacts))

    async def account_tells() -> None:
        for _ in range(10):
            await neighbour.turn(acme, tell)

    async def contact_tells(contact: str) -> None:
        for _ in range(10):
            await store.turn(contact, raising)

    await asyncio.gather(account_tells(), *(contact_tells(contact) for contact in contacts))

    await take_turn(store, "acme", "account")
    assert await store.cursor(acme) == 66


async def test_a_new_member_learns_what_its_account_knows(store: SqlStore) -> None:
    await store.accept([account_traits("m1", "acme", plan="team"), event("m2", "ann")], AT)
    await settle(store, "acme", "ann")

    receipt = await store.accept([member("m3", "ann", "acme")], AT)
    seen = await take_turn(store, "ann")

    assert receipt.rung == (await store.find("ann"),)
    assert seen.account == "acme"
    assert seen.inputs == (AccountTraitsChanged(at=AT, seq=2, account="acme", traits={"plan": "team"}),)


async def test_telling_the_membership_again_changes_nothing(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme")], AT)
    await settle(store, "ann", "acme")

    receipt = await store.accept([member("m2", "ann", "acme")], AT)

    assert receipt.rung == ()
    assert (await take_turn(store, "ann")).inputs == ()


async def test_a_late_duplicate_of_a_membership_does_not_bring_it_back(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), member("m2", "ann", "other")], AT)

    receipt = await store.accept([member("m1", "ann", "acme")], AT)

    assert receipt.duplicates == 1
    assert (await take_turn(store, "ann")).account == "other"


async def test_a_message_that_left_no_input_is_known_as_a_duplicate(store: SqlStore) -> None:
    nothing_new = Accepted(message_id="m2", kind="contact", external_id="ann")
    await store.accept([event("m1", "ann"), nothing_new], AT)

    assert (await store.accept([nothing_new], AT)).duplicates == 1


async def test_an_accounts_new_traits_reach_its_contacts_and_ring_them(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), member("m2", "bob", "acme"), event("m3", "cid")], AT)
    await settle(store, "ann", "bob", "cid", "acme")

    ann, bob = await store.find("ann"), await store.find("bob")

    def tell(snapshot: TurnSnapshot) -> TurnWrite:
        return msgspec.structs.replace(write(snapshot), tellings=(news_to(ann), news_to(bob)))

    outcome = await store.turn(await store.find("acme"), tell)

    assert sorted(outcome.rung) == sorted((ann, bob))
    assert sorted(await store.rung(10)) == sorted((ann, bob))
    (told,) = (await take_turn(store, "ann")).inputs
    assert told == AccountTraitsChanged(at=AT, seq=2, account="acme", traits={"plan": "team"})


async def test_an_accounts_turn_and_posts_of_its_contacts_do_not_block_each_other(
    store: SqlStore, neighbour: SqlStore
) -> None:
    people = [f"contact-{n}" for n in range(6)]
    await store.accept([member(f"join-{who}", who, "acme") for who in people], AT)
    acme = await store.find("acme")

    contacts = [await store.find(who) for who in people]

    def tell(snapshot: TurnSnapshot) -> TurnWrite:
        return msgspec.structs.replace(write(snapshot), tellings=tuple(news_to(contact) for contact in contacts))

    async def tell_often() -> None:
        for _ in range(10):
            await neighbour.turn(acme, tell)

    async def post_often() -> None:
        for post in range(10):
            await store.accept([event(f"{post}-{who}", who) for who in reversed(people)], AT)

    await asyncio.gather(tell_often(), post_often())

    assert [each.seq for each in (await take_turn(store, people[0])).inputs] == list(range(1, 22))


async def test_who_is_new_is_looked_at_with_their_own_traits_before_those_of_their_account(store: SqlStore) -> None:
    identified = msgspec.structs.replace(traits("m1", "ann", plan="pro"), account="acme")
    await store.accept([identified], AT)
    first, second = (await take_turn(store, "ann")).inputs
    assert first == TraitsChanged(at=AT, seq=1, traits={"plan": "pro"})
    assert isinstance(second, AccountTraitsChanged)
    assert (await store.accept([identified], AT)).duplicates == 1


async def test_roles_that_come_with_the_account_are_told_to_it_once(store: SqlStore) -> None:
    await store.accept([msgspec.structs.replace(traits("m1", "ann", roles=["admin"]), account="acme")], AT)
    told = [each for each in (await take_turn(store, "acme", "account")).inputs if isinstance(each, ContactChanged)]
    assert [each.roles for each in told] == [("admin",)]


async def test_an_account_whose_traits_change_is_rung_since_its_contacts_may_read_them(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), account_traits("m2", "acme", plan="team")], AT)
    await take_turn(store, "acme", "account")
    await take_turn(store, "ann")
    receipt = await store.accept([account_traits("m3", "acme", paused=True)], AT)
    assert receipt.rung == (await store.find("acme", "account"),)
