"""Caps and quiet hours in turns on a real store, and at the last look right before the provider is called."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perennia.core.decisions import EffectEnded, Outcome
from perennia.store.records import SendStatus
from tests.sending.conftest import POLICIES, START, Office
from tests.support.installation import event

# START is 11:00 in Amsterdam.
RULES = """
        quiet_hours: {window: "12:00-14:00"}
        caps: [{messages: 1, per: 1d}]
        """


@pytest.fixture
def policies() -> str:
    return POLICIES.rstrip() + RULES


async def happens(office: Office, name: str, at: timedelta) -> list[str]:
    """The event, and the keys that are open after the turn that hears of it."""
    office.clock.instant = START + at
    await office.store.accept([event("ana", name, START + at)], START + at)
    return await office.turn()


async def later(office: Office, at: timedelta) -> list[str]:
    office.clock.instant = START + at
    return await office.turn()


async def statuses(office: Office) -> list[tuple[str, SendStatus, str | None]]:
    rows = await office.store.messages(office.customer)
    return [(row.playbook, row.status, row.reason) for row in sorted(rows, key=lambda row: row.released_at)]


async def test_a_full_cap_holds_the_next_message_until_the_very_second_of_the_next_day(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    assert await happens(office, "Asked", timedelta(minutes=30)) == []
    assert (await office.store.customers())[0].wake_at == START + timedelta(days=1)
    assert await later(office, timedelta(days=1, seconds=-1)) == []
    (key,) = await later(office, timedelta(days=1))
    await office.send(key)
    assert await statuses(office) == [("tips", SendStatus.SENT, None), ("personal", SendStatus.SENT, None)]


async def test_a_message_that_has_not_left_makes_room_for_a_higher_priority(office: Office) -> None:
    first = await office.open("Signed Up")
    (second,) = await happens(office, "Almost Left", timedelta(seconds=5))
    await office.send(first)
    await office.send(second)
    assert await statuses(office) == [
        ("tips", SendStatus.SKIPPED, "lower_priority"),
        ("urgent", SendStatus.SENT, None),
    ]
    # A day and five seconds later it has its turn.
    (again,) = await later(office, timedelta(days=1, seconds=5))
    assert again != first


async def test_a_message_that_is_with_the_provider_makes_no_room(office: Office) -> None:
    await office.store.claim_message(await office.open("Signed Up"), START)
    assert len(await happens(office, "Almost Left", timedelta(seconds=5))) == 1
    assert await statuses(office) == [("tips", SendStatus.SENDING, None)]


async def test_what_comes_late_into_quiet_hours_goes_back_and_leaves_when_they_are_over(office: Office) -> None:
    key = await office.open("Signed Up")
    office.clock.instant = START + timedelta(hours=1, minutes=30)
    await office.send(key)
    assert office.provider.asked == []
    assert await office.turn() == []
    (again,) = await later(office, timedelta(hours=3))
    await office.send(again)
    assert await statuses(office) == [("tips", SendStatus.SKIPPED, "quiet_hours"), ("tips", SendStatus.SENT, None)]


async def test_a_message_keeps_its_place_until_it_leaves_however_long_that_takes(office: Office) -> None:
    first = await office.open("Signed Up")
    # The provider is away for a day and a half.
    assert await happens(office, "Asked", timedelta(days=1, hours=12)) == [first]
    await office.send(first)
    assert await office.turn() == []
    assert await later(office, timedelta(days=2, hours=12, seconds=-1)) == []
    (second,) = await later(office, timedelta(days=2, hours=12))
    assert "/personal." in second


async def test_what_comes_late_under_a_cap_that_is_full_by_then_goes_back(office: Office) -> None:
    first = await office.open("Signed Up")
    # Another process has it, and nobody hears of it again; its place is free after a day.
    await office.store.claim_message(first, START)
    (second,) = set(await happens(office, "Asked", timedelta(days=1))) - {first}
    ended = EffectEnded(at=START + timedelta(days=1), key=first, outcome=Outcome.SENT)
    await office.store.end_message(first, SendStatus.UNKNOWN, ended, "told", None)
    office.clock.instant = START + timedelta(days=1, minutes=2)
    await office.send(second)
    assert office.provider.asked == []
    assert (await statuses(office))[1] == ("personal", SendStatus.SKIPPED, "frequency_cap")


async def test_transactional_mail_leaves_in_quiet_hours(office: Office) -> None:
    await office.open("Signed Up")
    keys = await happens(office, "Paid", timedelta(hours=1, minutes=30))
    await office.send(next(key for key in keys if "/receipt." in key))
    assert len(office.provider.asked) == 1


async def test_an_unsubscription_ends_a_hold_at_the_next_turn(office: Office) -> None:
    await office.send(await office.open("Signed Up"))
    await happens(office, "Asked", timedelta(minutes=30))
    await office.store.unsubscribe(office.customer, "tips", START, "link")
    assert await office.store.rung(10) == [office.customer]
    await office.turn()
    entries = [row.entry for row in await office.store.journal(office.customer)]
    assert [(entry.code, entry.reason) for entry in entries if entry.act == "step_ended"] == [
        ("sent", None),
        ("skipped", "unsubscribed_topic"),
    ]
