"""Whoever does not want to be tracked is not: what they said by the time the message leaves counts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from perennia.core.decisions import JournalEntry
from perennia.core.json_values import Json
from perennia.store.permission_records import ConsentSaid
from perennia.why.wording import put_in_words
from tests.sending.conftest import POLICIES, START, Office

NO = ConsentSaid(topic=":tracking", given=False, at=START, source="preferences")


@pytest.fixture
def policies() -> str:
    return POLICIES.replace("name: Tips", "name: Tips, tracking: {opens: true, consent: opt_in}")


async def tracked(office: Office, *said: ConsentSaid, **told: Json) -> bool:
    """Whether the message looks for its opening, where this was said between its release and its leaving."""
    key = await office.open("Signed Up", **told)
    for each in said:
        await office.store.say_consent(office.customer, each)
    await office.send(key)
    (message,) = office.provider.asked
    return "/o/" in (message.html or "")


async def test_who_agreed_is_tracked_until_they_refuse(office: Office) -> None:
    assert await tracked(office, tracking=True)


async def test_a_refusal_after_the_release_counts_whatever_the_trait_says(office: Office) -> None:
    assert not await tracked(office, NO, tracking=True)


async def test_a_refusal_that_is_taken_back_is_no_agreement(office: Office) -> None:
    back = ConsentSaid(topic=":tracking", given=True, at=START, source="preferences")
    assert not await tracked(office, NO, back)


async def test_why_says_that_somebody_refused(office: Office) -> None:
    await tracked(office, NO)
    said: list[JournalEntry] = [row.entry for row in await office.store.journal(office.customer)]
    words = [put_in_words(each, ZoneInfo("UTC")).text for each in said if each.act == "consent"]
    assert words == ["does not want to be tracked (preferences)"]
