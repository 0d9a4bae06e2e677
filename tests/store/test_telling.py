"""What providers tell of messages becomes an input of the customer, once, and closes addresses that mail came back from."""

from __future__ import annotations

from perennia.core.decisions import MessageTold, Told
from perennia.store import SqlStore
from tests.support.posts import AT, email, enrolled, later, take_turn, traits, write


async def released(store: SqlStore, watching: tuple[str, ...] = ()) -> str:
    """A customer with a message. Returns the message's key."""
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann), state=enrolled(snapshot), watching=watching))
    return email(ann).key


def told(key: str, what: Told = "clicked") -> MessageTold:
    return MessageTold(at=later(minutes=1), key=key, what=what)


async def test_what_is_told_is_an_input_of_the_customer(store: SqlStore) -> None:
    key = await released(store)
    assert await store.tell_message(told(key), "p1")
    (only,) = (await take_turn(store, "ann")).inputs
    assert only == MessageTold(at=later(minutes=1), seq=2, key=key, what="clicked")


async def test_it_rings_only_who_watches_messages(store: SqlStore) -> None:
    key = await released(store)
    await store.tell_message(told(key), "p1")
    assert await store.rung(10) == []


async def test_it_rings_who_watches_messages(store: SqlStore) -> None:
    key = await released(store, ("messages",))
    await store.tell_message(told(key), "p1")
    assert await store.rung(10) == [await store.find("ann")]


async def test_told_twice_is_told_once(store: SqlStore) -> None:
    key = await released(store)
    assert await store.tell_message(told(key), "p1")
    assert not await store.tell_message(told(key), "p1")
    assert await store.tell_message(told(key), "p2")
    assert len((await take_turn(store, "ann")).inputs) == 2


async def test_of_a_message_that_nobody_knows_nothing_is_kept(store: SqlStore) -> None:
    assert not await store.tell_message(told("nobody/p.1/mail/1"), "p1")


async def test_an_address_that_mail_came_back_from_is_closed(store: SqlStore) -> None:
    key = await released(store)
    await store.tell_message(told(key, "bounced"), "p1", closed_address="Ann@X.io")
    assert (await take_turn(store, "ann")).recipient.suppressed
