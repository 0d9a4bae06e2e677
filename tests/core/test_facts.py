"""Inputs are absorbed here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennia.core.advance import advance, new_customer
from perennia.core.calendar import Calendar
from perennia.core.decisions import CustomerEvent, Recollection
from perennia.core.facts import Facts, Tally, TallyNeeds, absorb, set_traits, tally_needs
from perennia.core.json_values import Json, JsonObject
from tests.support.lives import START, after, catalog_of
from tests.support.watched import FIRST_SEEN, days, expression

UTC_ZONE = ZoneInfo("UTC")
CALENDAR = Calendar(zone=UTC_ZONE, workspace=UTC_ZONE)


def fresh(**traits: Json) -> Facts:
    return Facts(ref="ana", first_seen=FIRST_SEEN, traits=traits)


def needs(*texts: str) -> TallyNeeds:
    return tally_needs([expression(text) for text in texts])


def event(at: datetime, name: str = "A", timestamp: datetime | None = None, **properties: Json) -> CustomerEvent:
    return CustomerEvent(at=at, name=name, timestamp=timestamp, properties=properties)


def us(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


# --- tallies --------------------------------------------------------------------------------------------------------


def test_an_event_that_nobody_counts_changes_nothing() -> None:
    facts = fresh()
    assert absorb(facts, event(days(1), "B"), needs('happened("A")'), CALENDAR) == frozenset()
    assert facts.tallies == {}


def test_an_event_that_is_counted_is_told() -> None:
    assert absorb(fresh(), event(days(1)), needs('happened("A")'), CALENDAR) == {"event:A"}


def test_a_filtered_out_event_changes_nothing() -> None:
    assert absorb(fresh(), event(days(1), total=1), needs('count("A", "event.total > 100")'), CALENDAR) == frozenset()


def test_one_event_goes_into_each_tally_of_its_name() -> None:
    facts = fresh()
    wanted = needs('count("A")', 'count("A", "event.total > 100")', 'total("A", "total")')
    absorb(facts, event(days(1), total=120), wanted, CALENDAR)
    assert sorted(facts.tallies) == ["A", '["A", "event.total > 100", null]', '["A", null, "total"]']
    assert [tally.total for _, tally in sorted(facts.tallies.items())] == [0, 0, 120]


def test_an_event_counts_at_its_own_time() -> None:
    facts = fresh()
    absorb(facts, event(days(5), timestamp=days(2)), needs('happened("A")'), CALENDAR)
    assert facts.tallies["A"].last == days(2)


def test_a_time_after_acceptance_is_not_believed() -> None:
    facts = fresh()
    absorb(facts, event(days(5), timestamp=days(9)), needs('happened("A")'), CALENDAR)
    assert facts.tallies["A"].last == days(5)


def test_events_out_of_order_lie_in_order() -> None:
    facts, wanted = fresh(), needs('count("A", "30d") > 2')
    for day in (5, 2, 4):
        absorb(facts, event(days(6), timestamp=days(day)), wanted, CALENDAR)
    assert facts.tallies["A"].recent == [(us(days(2)), 0.0), (us(days(4)), 0.0), (us(days(5)), 0.0)]
    assert facts.tallies["A"].last == days(5)


def test_what_has_left_every_window_is_dropped_and_still_counted_for_all_time() -> None:
    facts, wanted = fresh(), needs('count("A", "3d") > 1', 'count("A", "10d") > 1')
    for day in (1, 20, 21):
        absorb(facts, event(days(day)), wanted, CALENDAR)
    assert (facts.tallies["A"].count, len(facts.tallies["A"].recent)) == (3, 2)


def test_single_occurrences_are_kept_only_where_a_window_is_looked_at() -> None:
    facts = fresh()
    absorb(facts, event(days(1)), needs('idle("A", "3d")', 'count("A") > 1'), CALENDAR)
    assert facts.tallies["A"].recent == []


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (['count("A", "30d") >= 3'], 3),
        (['count("A", "30d") > 3'], 4),
        (['count("A", "30d") < 3'], 3),
        (['count("A", "30d") <= 3'], 4),
        (['3 >= count("A", "30d")'], 4),
        (['count("A", "30d") == 3'], 4),
        (['happened("A", "30d")'], 1),
        (['count("A", "30d") >= 3', 'happened("A", "7d")', 'count("A") > 9'], 3),
        (['count("A", "30d") >= 3', 'count("A", "7d") == traits.logins'], 12),
        (['total("A", "amount", "30d") > 3'], 0),
        (['count("A", "30bd") >= 3'], 12),
    ],
)
def test_no_more_occurrences_are_kept_than_decide(texts: list[str], kept: int) -> None:
    facts, wanted = fresh(), needs(*texts)
    for day in range(1, 13):
        absorb(facts, event(days(day)), wanted, CALENDAR)
    assert len(facts.tallies["A"].recent if "A" in facts.tallies else []) == kept
    assert facts.tallies.get("A", Tally(count=12)).count == 12


def test_what_happened_in_the_hours_before_is_kept_as_clocks_may_go_back() -> None:
    facts, wanted = fresh(), needs('happened("A", "30d")')
    for hour in range(8):
        absorb(facts, event(days(1) + timedelta(hours=hour)), wanted, CALENDAR)
    assert len(facts.tallies["A"].recent) == 4


def test_the_longest_window_of_all_expressions_decides() -> None:
    (need,) = needs('count("A", "3d") > 1', 'happened("A", "30d")', 'idle("A", "90d")').by_event["A"]
    assert sorted(window.text for window in need.windows) == ["30d", "3d"]


@pytest.mark.parametrize(
    ("value", "amount"),
    [(3, 3.0), (2.5, 2.5), (-4, -4.0), (None, 0.0), ("7", 0.0), (True, 0.0), ([1], 0.0), (10**400, 0.0), (1e300, 0.0)],
)
def test_what_is_no_number_counts_nothing_in_a_total(value: Json, amount: float) -> None:
    facts = fresh()
    absorb(facts, event(days(1), amount=value), needs('total("A", "amount")'), CALENDAR)
    (tally,) = facts.tallies.values()
    assert (tally.count, tally.total) == (1, amount)


def test_facts_survive_json() -> None:
    facts = fresh(plan="pro")
    absorb(facts, event(days(1), amount=0.1), needs('total("A", "amount", "3d") > 1'), CALENDAR)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(-3, 3)), min_size=1, max_size=12), st.randoms())
def test_the_order_of_arrival_does_not_matter(found: list[tuple[int, int]], chance: object) -> None:
    wanted = needs('total("A", "amount", "30d") > 1', 'count("A", "2bd") > 1')
    events = [event(days(30), timestamp=FIRST_SEEN + timedelta(minutes=at), amount=n) for at, n in found]
    shuffled = sorted(events, key=lambda each: (hash((str(chance), each.timestamp)), each.properties["amount"]))
    one, other = fresh(), fresh()
    for each in events:
        absorb(one, each, wanted, CALENDAR)
    for each in shuffled:
        absorb(other, each, wanted, CALENDAR)
    assert one == other


def test_what_is_recalled_of_the_past_is_looked_at_by_the_same_turn() -> None:
    book = "playbook: p\nenter: {on: [{when: 'happened(\"A\")'}]}\nsteps: [{milestone: seen}]\n"
    state = new_customer("c1", "contact", "ana", START)
    known = advance(catalog_of(book), state, START, [], {}).state
    recalled = Recollection(at=START, names=("A",), events=(event(START),))
    assert advance(catalog_of(book), known, after("1h"), [recalled], {}).state.milestones == {"seen": after("1h")}


# --- traits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "tokens", "traits"),
    [
        ({"plan": "team"}, {"trait:plan"}, {"plan": "team", "seats": 1}),
        ({"plan": "pro"}, set[str](), {"plan": "pro", "seats": 1}),
        ({"plan": None}, {"trait:plan"}, {"seats": 1}),
        ({"gone": None}, set[str](), {"plan": "pro", "seats": 1}),
        ({"new": [1]}, {"trait:new"}, {"plan": "pro", "seats": 1, "new": [1]}),
        ({"seats": True}, {"trait:seats"}, {"plan": "pro", "seats": True}),
    ],
)
def test_traits_are_set_and_removed_and_what_changed_is_told(
    changes: JsonObject, tokens: set[str], traits: JsonObject
) -> None:
    facts = fresh(plan="pro", seats=1)
    assert set_traits(facts, changes) == tokens
    assert facts.traits == traits
    assert {name: type(value) for name, value in facts.traits.items()} == {
        name: type(value) for name, value in traits.items()
    }
