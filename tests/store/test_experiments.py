"""Experiments over a real store: turns tell who is compared, the API says what it came to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from perennia.core.decisions import Act
from perennia.core.json_values import JsonObject
from perennia.core.retention import Kept
from perennia.store import SqlStore
from tests.support.flight import START, Flight, in_flight
from tests.support.posts import merged

BOOK = """
playbook: welcome
topic: tips
enter: {on: [{event: Go}], holdout: 50%}
goal: {event: Bought, within: 10d}
steps:
  - id: offer
    split: {small: {share: 50, then: [{milestone: small}]}, large: {share: 50, then: [{milestone: large}]}}
"""
# By SHA-256 dan and gus are held out; ann and cid go the large way, bob the small one.
PEOPLE = ("ann", "bob", "cid", "dan", "gus")


@pytest.fixture
async def flight(store: SqlStore) -> AsyncIterator[Flight]:
    async with in_flight(store) as flight:
        yield flight


async def sides(flight: Flight, **query: str) -> dict[str, dict[str, tuple[int, int]]]:
    """By comparison and side, customers and conversions."""
    answer = await flight.client.get("playbooks/welcome/experiments", params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()["comparisons"]
    return {
        each["of"]: {side["name"]: (side["customers"], side["converted"]) for side in each["sides"]} for each in found
    }


async def test_a_report_counts_both_sides_by_the_same_span_and_the_variants(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", *PEOPLE)
    await flight.pass_time(days=3)
    await flight.event("Bought", "ann", "dan")
    await flight.pass_time(days=8)
    await flight.event("Bought", "bob", "gus")

    assert await sides(flight) == {
        "holdout": {"holdout": (2, 1), "treated": (3, 1)},
        "offer": {"small": (1, 0), "large": (2, 1)},
    }


async def test_whoever_is_observed_is_woken_by_nothing_but_what_could_be_the_goal(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", "ann")
    flight.turned.clear()
    await flight.event("Came", "ann")
    await flight.pass_time(days=30)
    assert flight.turned == []

    await flight.event("Bought", "ann")
    assert (flight.turned, await flight.decided("ann", Act.GOAL)) == (["ann"], [])


async def test_whoever_entered_a_former_version_is_observed_for_its_goal(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", "ann")
    await flight.publish(BOOK.replace("Bought", "Paid"))
    await flight.event("Bought", "ann")

    assert await flight.decided("ann", Act.GOAL) == ["goal"]
    assert (await sides(flight))["holdout"] == {"holdout": (0, 0), "treated": (0, 0)}  # it is another question now


async def test_a_version_is_forgotten_when_the_spans_of_all_who_entered_it_are_over(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", "ann")
    await flight.pass_time(days=10)
    released = await flight.publish(BOOK.replace("Bought", "Paid"))

    stored = await flight.store.catalog(released.json()["id"])
    assert [each.id for each in stored.past] == []
    await flight.event("Bought", "ann")
    assert await flight.decided("ann", Act.GOAL) == []


async def test_what_was_changed_beside_the_question_is_counted_together(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", "ann")
    await flight.publish(BOOK.replace("milestone: small}", "milestone: tiny}"))
    await flight.event("Go", "bob")

    assert (await sides(flight))["offer"] == {"small": (1, 0), "large": (1, 0)}


async def test_what_is_too_old_leaves_both_sides_at_once(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", *PEOPLE)
    await flight.pass_time(days=20)
    for days, left in ((9, 5), (11, 0)):
        await flight.store.forget_page(Kept.DECISIONS, START + timedelta(days=days), None, 100, only_count=False)
        assert sum(count for count, _ in (await sides(flight))["holdout"].values()) == left


async def test_whoever_turned_out_to_be_somebody_else_is_not_counted(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", "ann", "bob")
    await flight.event("Came", "eve")
    await flight.store.accept([merged("ann", "eve")], flight.clock.now())

    assert (await sides(flight))["holdout"]["treated"] == (1, 0)


async def test_only_whoever_entered_since_then_counts_where_that_is_asked(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", "ann")
    await flight.pass_time(days=1)
    await flight.event("Go", "bob")

    since = (START + timedelta(hours=1)).isoformat()
    assert (await sides(flight, since=since))["holdout"]["treated"] == (1, 0)


async def test_what_compares_nothing_is_said_so(flight: Flight) -> None:
    await flight.publish(BOOK.replace("goal: {event: Bought, within: 10d}", ""))
    wrong = await flight.client.get("playbooks/welcome/experiments")
    unknown = await flight.client.get("playbooks/welcom/experiments")
    effect = await flight.client.get("playbooks/welcome/experiments?effect=much")
    assert (wrong.status_code, unknown.status_code, effect.status_code) == (404, 404, 422)
    assert (wrong.json()["title"], "did you mean" in unknown.json()["detail"]) == ("No experiment", True)


async def test_everybody_is_told_how_many_it_takes(flight: Flight) -> None:
    await flight.publish(BOOK)
    await flight.event("Go", *PEOPLE)
    await flight.event("Bought", "dan")
    report: JsonObject = (await flight.client.get("playbooks/welcome/experiments?effect=20%25")).json()
    holdout = report["comparisons"][0] if isinstance(report["comparisons"], list) else None
    assert isinstance(holdout, dict)
    # Half of the holdout converted: `power.prop.test(p1 = .5, p2 = .6, power = .8)` is 387.34 on each side.
    assert (holdout["needed"], holdout["winner"], holdout["sound"]) == ({"holdout": 388, "treated": 388}, None, True)
