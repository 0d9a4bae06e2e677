"""What providers report is kept once, in any order, told to the customer, and closes addresses."""

from __future__ import annotations

from datetime import timedelta

from perennia.core.decisions import MessageTold
from perennia.store import SqlStore
from perennia.store.records import MessageReport
from tests.support.posts import AT, email, enrolled, later, take_turn, traits, write

NOW = later(minutes=1)


async def released(store: SqlStore, watching: tuple[str, ...] = ()) -> tuple[str, str]:
    """A customer with a message. Returns the message's key and its reference."""
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann), state=enrolled(snapshot), watching=watching))
    return email(ann).key, email(ann).reference


def report(what: str, reference: str | None = None, **told: object) -> MessageReport:
    known = {"id": "r1", "provider": "resend", "address": "Ann@X.io", "raw": '{"their": "words"}', **told}
    return MessageReport(what=what, reference=reference, **known)  # pyright: ignore[reportArgumentType] -- fields of it


async def suppressed(store: SqlStore) -> bool:
    return (await take_turn(store, "ann")).recipient.suppressed


async def test_a_click_is_told_to_the_customer_of_the_message(store: SqlStore) -> None:
    key, reference = await released(store)
    assert await store.hear_report(report("clicked", reference), NOW)
    (only,) = (await take_turn(store, "ann")).inputs
    assert only == MessageTold(at=NOW, seq=2, key=key, what="clicked")


async def test_it_rings_who_watches_messages(store: SqlStore) -> None:
    _, reference = await released(store, ("messages",))
    await store.hear_report(report("opened", reference), NOW)
    assert await store.rung(10) == [await store.find("ann")]


async def test_told_twice_is_told_once(store: SqlStore) -> None:
    _, reference = await released(store)
    assert await store.hear_report(report("clicked", reference), NOW)
    assert not await store.hear_report(report("clicked", reference), NOW)
    assert len((await take_turn(store, "ann")).inputs) == 1


async def test_a_token_counts_once_whatever_comes_with_it(store: SqlStore) -> None:
    _, reference = await released(store)
    assert await store.hear_report(report("opened", reference, token="t"), NOW)
    assert not await store.hear_report(report("complained", reference, id="r2", token="t"), NOW)
    assert not await suppressed(store)


async def test_two_providers_may_give_the_same_name(store: SqlStore) -> None:
    _, reference = await released(store)
    assert await store.hear_report(report("clicked", reference), NOW)
    assert await store.hear_report(report("clicked", reference, provider="postmark"), NOW)


async def test_a_scanners_click_is_kept_and_not_told(store: SqlStore) -> None:
    _, reference = await released(store)
    await store.hear_report(report("clicked", reference, machine=True), NOW)
    assert (await take_turn(store, "ann")).inputs == ()
    (kept,) = await store.reports(await store.find("ann"))
    assert (kept.what, kept.machine, kept.raw) == ("clicked", True, '{"their": "words"}')


async def test_a_hard_bounce_closes_the_address_at_once(store: SqlStore) -> None:
    _, reference = await released(store)
    await store.hear_report(report("bounced", reference, bounce="hard"), NOW)
    assert await suppressed(store)


async def test_a_complaint_closes_the_address_at_once(store: SqlStore) -> None:
    _, reference = await released(store)
    await store.hear_report(report("complained", reference), NOW)
    assert await suppressed(store)


async def test_a_complaint_about_a_message_of_others_closes_the_address_too(store: SqlStore) -> None:
    await released(store)
    assert await store.hear_report(report("complained", "somebody else's"), NOW)
    assert await suppressed(store)


async def test_the_fifth_soft_bounce_in_thirty_days_closes_the_address(store: SqlStore) -> None:
    await released(store)
    for day in range(4):
        await store.hear_report(report("bounced", id=f"r{day}", bounce="soft"), NOW + timedelta(days=day))
    assert not await suppressed(store)
    await store.hear_report(report("bounced", id="r4", bounce="soft"), NOW + timedelta(days=29))
    assert await suppressed(store)


async def test_soft_bounces_are_forgotten_after_thirty_days(store: SqlStore) -> None:
    await released(store)
    for day in (0, 1, 2, 3, 30):
        await store.hear_report(report("bounced", id=f"r{day}", bounce="soft"), NOW + timedelta(days=day))
    assert not await suppressed(store)


async def test_blocks_close_nothing(store: SqlStore) -> None:
    await released(store)
    for number in range(6):
        await store.hear_report(report("bounced", id=f"r{number}", bounce="block"), NOW)
    assert not await suppressed(store)


async def test_who_unsubscribes_at_the_provider_says_no_to_the_messages_topic(store: SqlStore) -> None:
    _, reference = await released(store)
    await store.hear_report(report("unsubscribed", reference), NOW)
    assert (await take_turn(store, "ann")).recipient.consents == {"tips": False}


async def test_reports_are_kept_in_whatever_order_they_come(store: SqlStore) -> None:
    _, reference = await released(store)
    for what in ("clicked", "delivered", "sent"):
        await store.hear_report(report(what, reference, id=what), NOW)
    kept = await store.reports(await store.find("ann"))
    assert sorted(each.what for each in kept) == ["clicked", "delivered", "sent"]
