"""Who belongs to an audience: what the store remembers and the core decides, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennia.audience_pages import Looking, look_at
from perennia.core.audiences import Asked, MixedScopes, UnknownSegment
from perennia.store import SqlStore
from perennia.store.permission_records import Suppression
from tests.support.installation import event, traits
from tests.support.lives import documents
from tests.support.stored_lives import StoredLives

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = """
policies: default
topics: {news: {kind: opt_in, name: News}, tips: {kind: opt_out, name: Tips}}
caps: [{messages: 1, per: 7d}]
---
segment: pros
when: traits.plan == "pro"
---
segment: busy
when: count("Logged In", "2d") >= 2
---
segment: settled
when: in_stage("adoption", "new", "3d")
---
segment: firms
scope: account
when: traits.plan == "pro"
---
track: adoption
scope: contact
stages: [{id: new}, {id: gone, enter: traits.plan == "none"}]
"""


@pytest.fixture
async def lives(store: SqlStore) -> StoredLives:
    lives = StoredLives(store, START)
    await lives.publish(documents(TEXT))
    return lives


async def members(
    lives: StoredLives, at: datetime, *segments: str, where: str | None = None, unless: str | None = None
) -> list[str]:
    look = await look_at(lives.store, Asked(segments=segments, where=where, unless=unless), at)
    page = await Looking(lives.store, look).page()
    return sorted(seen.candidate.ref for seen in page.members)


async def left_out(lives: StoredLives, at: datetime, topic: str | None) -> dict[str, str | None]:
    look = await look_at(lives.store, Asked(where="true"), at)
    page = await Looking(lives.store, look, permissions=True).page()
    return {seen.candidate.ref: look.left_out(seen, topic) for seen in page.members}


async def test_members_are_those_of_whom_the_condition_holds(lives: StoredLives) -> None:
    await lives.happen(START, traits("ana", START, plan="pro"), traits("bo", START, plan="free"))

    assert await members(lives, START, "pros") == ["ana"]


async def test_what_no_turn_has_read_counts(lives: StoredLives) -> None:
    await lives.store.accept([traits("ana", START, plan="pro")], START)

    assert await members(lives, START, "pros") == ["ana"]


async def test_events_that_nobody_counted_so_far_are_counted_when_they_are_asked_for(lives: StoredLives) -> None:
    await lives.happen(START, event("ana", "Logged In", START), event("bo", "Logged In", START))
    at = START + timedelta(hours=1)
    await lives.happen(at, event("ana", "Logged In", at))

    assert await members(lives, at, "busy") == ["ana"]
    assert await members(lives, START + timedelta(days=2), "busy") == []


async def test_an_event_that_is_read_and_one_that_is_not_are_each_counted_once(lives: StoredLives) -> None:
    await lives.happen(START, event("ana", "Logged In", START), event("bo", "Logged In", START))
    await lives.store.accept([event("ana", "Logged In", START)], START)

    assert await members(lives, START, "busy") == ["ana"]


async def test_what_time_alone_makes_true_is_true_at_the_instant_asked_for(lives: StoredLives) -> None:
    await lives.happen(START, traits("ana", START, plan="pro"))

    assert await members(lives, START + timedelta(days=3) - timedelta(seconds=1), "settled") == []
    assert await members(lives, START + timedelta(days=3), "settled") == ["ana"]


async def test_a_count_that_is_kept_with_a_filter_is_not_the_one_without(store: SqlStore) -> None:
    lives = StoredLives(store, START)
    playbook = """---
playbook: hi
enter: {on: [{when: 'count("Logged In", "2d", "event.via == 1") >= 2'}]}
steps: [{wait: 1d}]
"""
    await lives.publish(documents(TEXT + playbook))
    await lives.happen(START, event("ana", "Logged In", START), event("ana", "Logged In", START))

    assert await members(lives, START, "busy") == ["ana"]


async def test_whom_time_alone_moves_by_then_has_moved(store: SqlStore) -> None:
    lives = StoredLives(store, START)
    track = """---
track: use
scope: contact
stages: [{id: active}, {id: quiet, enter: 'idle("Logged In", "2d")'}]
"""
    await lives.publish(documents(TEXT + track))
    await lives.happen(START, traits("ana", START, plan="pro"))

    assert await members(lives, START + timedelta(days=2), where='stage.use == "quiet"') == ["ana"]


async def test_segments_conditions_and_exceptions_narrow_each_other(lives: StoredLives) -> None:
    told = [traits(who, START, plan=plan, seats=seats) for who, plan, seats in
            (("ana", "pro", 5), ("bo", "pro", 50), ("cy", "free", 50))]  # fmt: skip
    await lives.happen(START, *told)

    assert await members(lives, START, "pros", where="traits.seats > 10") == ["bo"]
    assert await members(lives, START, "pros", unless="traits.seats > 10") == ["ana"]
    look = await look_at(lives.store, Asked(where="true", without=("pros",)), START)
    page = await Looking(lives.store, look).page()
    assert [seen.candidate.ref for seen in page.members] == ["cy"]


async def test_each_page_goes_on_behind_the_one_before_and_the_last_one_says_so(lives: StoredLives) -> None:
    await lives.happen(START, *(traits(f"c{n}", START, plan="pro") for n in range(5)))
    looking = Looking(lives.store, await look_at(lives.store, Asked(segments=("pros",)), START))

    found: list[str] = []
    sizes: list[int] = []
    after: str | None = ""
    while after is not None:
        page = await looking.page(after, 2)
        found += [seen.candidate.ref for seen in page.members]
        sizes.append(page.looked)
        after = page.last

    assert (sorted(found), sizes) == (["c0", "c1", "c2", "c3", "c4"], [2, 2, 1])
    assert len(await lives.store.candidate_pages("contact", 2)) == 3


async def test_who_could_not_be_written_to_is_told_with_the_reason(lives: StoredLives) -> None:
    store = lives.store
    people = ("ana", "bo", "cy", "di")
    await lives.happen(START, *(traits(who, START, email=f"{who}@example.com") for who in people), traits("ed", START))
    await store.suppress_all([Suppression(address="bo@example.com", reason="bounced", at=START)], START)
    await store.unsubscribe(await store.find("cy"), "tips", START, "test")
    await store.consent(await store.find("di"), "news", given=True, at=START, source="test")

    assert await left_out(lives, START, "tips") == {
        "ana": None,
        "bo": "suppressed",
        "cy": "unsubscribed_topic",
        "di": None,
        "ed": "missing_address",
    }
    news = await left_out(lives, START, "news")
    assert (news["ana"], news["di"]) == ("no_consent", None)
    assert (await left_out(lives, START, None))["cy"] is None


async def test_whose_cap_is_full_is_left_out_until_a_place_is_free(store: SqlStore) -> None:
    lives = StoredLives(store, START)
    playbook = "---\nplaybook: hi\ntopic: tips\nenter: {on: [{event: Go}]}\nsteps: [{email: hello}]\n"
    await lives.publish(documents(TEXT + playbook))
    await lives.happen(START, traits("ana", START, email="ana@example.com"), event("ana", "Go", START))

    assert await left_out(lives, START + timedelta(days=6), "tips") == {"ana": "frequency_cap"}
    assert await left_out(lives, START + timedelta(days=7), "tips") == {"ana": None}


async def test_a_segment_that_is_not_published_and_two_kinds_in_one_audience_are_refused(lives: StoredLives) -> None:
    with pytest.raises(UnknownSegment) as refused:
        await look_at(lives.store, Asked(segments=("prose",)), START)
    assert (refused.value.name, sorted(refused.value.known)) == ("prose", ["busy", "firms", "pros", "settled"])
    with pytest.raises(MixedScopes):
        await look_at(lives.store, Asked(segments=("pros",), without=("firms",)), START)


async def test_a_membership_is_explained_with_what_was_seen(lives: StoredLives) -> None:
    await lives.happen(START, traits("ana", START, plan="free"))
    look = await look_at(lives.store, Asked(segments=("pros",)), START)
    seen = await Looking(lives.store, look).one(await lives.store.find("ana"))

    assert seen is not None
    is_member, (evidence,) = look.explain(seen)
    assert not is_member
    assert evidence.parts[0].values == {"traits.plan": "free"}
