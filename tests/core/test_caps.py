"""Places under frequency caps (language, section 8), on their own. START is Monday 2 March 2026, 09:00 UTC."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from perennia.core.calendar import Calendar, parse_span
from perennia.core.caps import Cap, Ledger, LedgerMissing, Rank, counted_from, reach_of
from perennia.core.state import LedgerEntry
from tests.support.lives import START, after

UTC = Calendar(ZoneInfo("UTC"), ZoneInfo("UTC"))
ONE_A_DAY = Cap(1, parse_span("24h"), frozenset())
TWO_A_WEEK = Cap(2, parse_span("168h"), frozenset({"tips"}))


def message(key: str, at: str, *, priority: int = 50, left: bool = True, topic: str = "tips") -> LedgerEntry:
    return LedgerEntry(key=key, at=after(at), topic=topic, priority=priority, left=left)


@pytest.mark.parametrize(("left", "counted"), [(None, "0d"), ("1m", "0d"), ("1m1s", "1m1s")])
def test_a_message_that_leaves_within_a_minute_counts_from_its_release(left: str | None, counted: str) -> None:
    assert counted_from(START, None if left is None else after(left)) == after(counted)


def test_a_place_is_free_when_the_oldest_has_left_the_span() -> None:
    sent = [message("a", "0d"), message("b", "1d"), message("c", "2d", topic="news")]
    assert TWO_A_WEEK.free_at(sent, after("6d"), UTC) == after("7d")
    assert TWO_A_WEEK.free_at(sent, after("7d"), UTC) == after("7d")


def test_the_ledger_matters_as_far_back_as_the_longest_cap_reaches() -> None:
    # Three days more: a span in days may reach further back than its days have hours.
    assert reach_of([ONE_A_DAY, TWO_A_WEEK], after("10d"), UTC) == after("0d")


def test_without_caps_the_ledger_does_not_matter() -> None:
    assert reach_of([], after("10d"), UTC) == after("10d")


def test_who_asks_for_a_ledger_says_since_when() -> None:
    assert LedgerMissing(after("1h")).since == after("1h")


def test_of_one_priority_goes_who_waits_longest() -> None:
    early, late = Rank(50, after("0d")), Rank(50, after("1h"))
    assert (early.beats(late), late.beats(early), early.beats(early)) == (True, False, False)


def test_a_higher_priority_goes_first_however_short_it_waits() -> None:
    assert Rank(51, after("1h")).beats(Rank(50, after("0d")))


def test_the_lowest_priority_yields_first_and_of_one_priority_who_came_last() -> None:
    ledger = Ledger([])
    for key, priority, since in (("a", 20, "0d"), ("b", 20, "1h"), ("c", 10, "0d"), ("d", 90, "0d")):
        ledger.reserve(message(key, "2h", priority=priority, left=False), after(since))
    found = ledger.lower(Rank(50, after("1h")), [ONE_A_DAY], after("2h"))
    assert [each.key for each in found] == ["c", "b", "a"]


def test_nobody_yields_who_has_left_or_is_not_in_the_way() -> None:
    ledger = Ledger([message("gone", "0d", priority=1), message("other", "1h", priority=1, left=False, topic="news")])
    assert ledger.lower(Rank(50, after("2h")), [TWO_A_WEEK], after("2h")) == []


def test_a_message_of_before_yields_to_a_higher_priority_alone() -> None:
    ledger = Ledger([message("same", "1h", priority=50, left=False), message("lower", "1h", priority=49, left=False)])
    assert [each.key for each in ledger.lower(Rank(50, after("0d")), [ONE_A_DAY], after("2h"))] == ["lower"]


def test_a_message_that_left_keeps_its_place_also_when_it_is_taken_back() -> None:
    ledger = Ledger([message("a", "0d", left=False), message("b", "0d", left=False)])
    ledger.leave("a", after("1h"))
    ledger.withdraw("a")
    ledger.withdraw("b")
    assert [(each.key, each.at, each.left) for each in ledger.entries] == [("a", after("1h"), True)]


def test_what_left_before_is_forgotten_and_what_is_on_its_way_is_not() -> None:
    ledger = Ledger([message("old", "0d"), message("waiting", "0d", left=False), message("new", "1h")])
    ledger.forget(after("1h"))
    assert [each.key for each in ledger.entries] == ["waiting", "new"]
