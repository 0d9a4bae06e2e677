from __future__ import annotations

import asyncio

import pytest

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.store import SqlStore
from perennia.store.port import UnknownCustomer
from perennia.store.records import Accepted, Rejected
from tests.support.posts import AT, Turn, event, later, settle, take_turn, traits, trigger, write


async def test_an_unknown_external_id_becomes_a_customer_whose_bell_is_rung(store: SqlStore) -> None:
    receipt = await store.accept([event("m1", "ann")], AT)

    ann = await store.find("ann")
    assert receipt.rung == (ann,)
    assert await store.rung(10) == [ann]


async def test_the_id_of_a_customer_names_its_kind_and_nothing_else_of_it(store: SqlStore) -> None:
    await store.accept([Accepted(message_id="m1", kind="account", external_id="acme")], AT)

    acme = await store.find("acme")
    assert acme.startswith("account-")
    assert "acme" not in acme


async def test_inputs_reach_the_turn_in_order_with_a_dense_seq(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", plan="pro"), event("m2", "ann", "Viewed", page="home")], AT)
    await store.accept([event("m3", "ann", "Clicked")], AT)

    assert (await take_turn(store, "ann")).inputs == (
        TraitsChanged(at=AT, seq=1, traits={"plan": "pro"}),
        CustomerEvent(at=AT, seq=2, name="Viewed", properties={"page": "home"}),
        CustomerEvent(at=AT, seq=3, name="Clicked"),
    )


async def test_an_input_keeps_the_instants_it_came_with(store: SqlStore) -> None:
    told = CustomerEvent(at=later(minutes=3), name="Viewed", timestamp=later(days=-2))
    await store.accept([Accepted(message_id="m1", kind="contact", external_id="ann", input=told)], later(hours=1))

    (seen,) = (await take_turn(store, "ann")).inputs
    assert (seen.at, getattr(seen, "timestamp", None)) == (later(minutes=3), later(days=-2))


async def test_a_duplicate_in_the_same_post_counts_once(store: SqlStore) -> None:
    receipt = await store.accept([event("m1", "ann"), event("m1", "ann")], AT)

    assert (receipt.accepted, receipt.duplicates) == (1, 1)
    assert len((await take_turn(store, "ann")).inputs) == 1


async def test_a_duplicate_of_an_earlier_post_changes_nothing(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    await take_turn(store, "ann")

    receipt = await store.accept([event("m1", "ann"), event("m1", "bob")], AT)

    assert (receipt.accepted, receipt.duplicates) == (0, 2)
    assert (await take_turn(store, "ann")).inputs == ()


async def test_the_same_event_posted_four_times_in_parallel_counts_once(store: SqlStore, neighbour: SqlStore) -> None:
    posts = [each.accept([event("m1", "ann")], AT) for each in (store, neighbour, store, neighbour)]

    receipts = await asyncio.gather(*posts)

    assert sorted(receipt.accepted for receipt in receipts) == [0, 0, 0, 1]
    assert len((await take_turn(store, "ann")).inputs) == 1


async def test_seq_is_dense_and_ordered_per_customer_when_posts_race(store: SqlStore, neighbour: SqlStore) -> None:
    posts = [
        each.accept([event(f"{who}-{post}-{i}", who, f"{post}") for i in range(3) for who in ("ann", "bob", "cid")], AT)
        for post in range(8)
        for each in (store if post % 2 else neighbour,)
    ]

    await asyncio.gather(*posts)

    for who in ("ann", "bob", "cid"):
        inputs = (await take_turn(store, who)).inputs
        assert [each.seq for each in inputs] == list(range(1, 25))


async def test_customers_made_by_racing_posts_are_made_once(store: SqlStore, neighbour: SqlStore) -> None:
    names = [f"contact-{n}" for n in range(20)]
    forwards = [event(f"f-{name}", name) for name in names]
    backwards = [event(f"b-{name}", name) for name in reversed(names)]

    await asyncio.gather(store.accept(forwards, AT), neighbour.accept(backwards, AT))

    assert len(await store.customers()) == 20


async def test_a_rejected_item_does_not_sink_the_others(store: SqlStore) -> None:
    bad = Rejected(at=AT, reason="no type", raw='{"userId": 1}')

    receipt = await store.accept([bad, event("m1", "ann"), bad], AT)

    assert (receipt.accepted, receipt.rejected) == (1, 2)


async def test_an_item_that_names_nobody_is_refused_and_nothing_is_kept(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="names nobody"):
        await store.accept([event("m1", "ann"), event("m2", None)], AT)

    with pytest.raises(UnknownCustomer):
        await store.find("ann")


async def test_a_nul_in_an_id_or_a_property_is_stored(store: SqlStore) -> None:
    await store.accept([event("m\x001", "a\x00nn", "Vie\x00wed", page="a\x00b")], AT)

    (seen,) = (await take_turn(store, "a�nn")).inputs
    assert seen == CustomerEvent(at=AT, seq=1, name="Vie\x00wed", properties={"page": "a\x00b"})


async def test_numbers_and_text_beyond_ascii_come_back_as_they_were(store: SqlStore) -> None:
    await store.accept([event("m1", "zoë", "Gekauft", total=12.5, seats=2**53, title="日本 😀", none=None)], AT)

    (seen,) = (await take_turn(store, "zoë")).inputs
    assert seen == CustomerEvent(
        at=AT, seq=1, name="Gekauft", properties={"total": 12.5, "seats": 2**53, "title": "日本 😀", "none": None}
    )


# --- bells ----------------------------------------------------------------------------------------------------------


async def test_an_event_that_concerns_nobody_rings_no_bell(store: SqlStore) -> None:
    await trigger(store, "Signed Up")
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")

    receipt = await store.accept([event("m2", "ann", "Scrolled"), traits("m3", "ann", plan="pro")], AT)

    assert receipt.rung == ()
    assert await store.rung(10) == []


@pytest.mark.parametrize("name", ["Signed Up", "Order Paid"])
async def test_an_event_named_by_a_trigger_rings(store: SqlStore, name: str) -> None:
    await trigger(store, "Signed Up", prefixes=("Order ",))
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")

    receipt = await store.accept([event("m2", "ann", name)], AT)

    assert receipt.rung == (await store.find("ann"),)


async def test_only_the_current_revisions_triggers_ring(store: SqlStore) -> None:
    await trigger(store, "Signed Up")
    await trigger(store, "Logged In")
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")

    assert (await store.accept([event("m2", "ann", "Signed Up")], AT)).rung == ()


@pytest.mark.parametrize(
    ("item", "rings"),
    [
        (event("m2", "ann", "Clicked"), True),
        (event("m2", "ann", "Clicked Twice"), False),
        (event("m2", "bob", "Clicked"), False),
        (traits("m2", "ann", plan=None), True),
        (traits("m2", "ann", seats=3), False),
    ],
    ids=["watched event", "other event", "other customer", "watched trait", "other trait"],
)
async def test_what_a_customer_watches_rings_that_customer(store: SqlStore, item: Accepted, *, rings: bool) -> None:
    await store.accept([event("a", "ann"), event("b", "bob")], AT)
    await settle(store, "bob")
    await store.turn(
        await store.find("ann"), lambda snapshot: write(snapshot, watching=("event:Clicked", "trait:plan"))
    )

    receipt = await store.accept([item], AT)

    assert bool(receipt.rung) is rings


async def test_one_bell_however_many_events(store: SqlStore) -> None:
    await trigger(store, "Clicked")
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")
    ann = await store.find("ann")

    first = await store.accept([event(f"a{i}", "ann", "Clicked") for i in range(5)], AT)
    second = await store.accept([event("b", "ann", "Clicked")], AT)

    assert (first.rung, second.rung) == ((ann,), ())


async def test_a_bell_rings_again_after_a_turn_has_cleared_it(store: SqlStore) -> None:
    await trigger(store, "Clicked")
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")
    await store.accept([event("m2", "ann", "Clicked")], AT)
    await settle(store, "ann")

    receipt = await store.accept([event("m3", "ann", "Clicked")], AT)

    assert receipt.rung == (await store.find("ann"),)


async def test_an_event_that_rings_nobody_is_read_by_the_next_turn(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    await settle(store, "ann")
    await store.accept([event("m2", "ann", "Scrolled")], AT)

    turn = Turn()
    await store.turn(await store.find("ann"), turn)

    assert turn.inputs == (CustomerEvent(at=AT, seq=2, name="Scrolled"),)
