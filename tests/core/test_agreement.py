"""Two sides that are to hold the same: who has changed what, and whose word counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennia.core.agreement import Rule, Seen, agree, mark, owed
from perennia.core.json_values import Json

BOTH = Rule("plan", "Plan__c")
OURS = BOTH._replace(theirs_wins=False)
IN = BOTH._replace(direction="in")
OUT = BOTH._replace(direction="out")


def way(
    rule: Rule, mine: Json, theirs: Json, seen: tuple[Json, Json] | None = None
) -> tuple[dict[str, Json], dict[str, Json]]:
    """What goes in, and what goes out."""
    before: Seen = {} if seen is None else {"plan": (mark(seen[0]), mark(seen[1]))}
    agreed = agree([rule], {"plan": mine}, {"Plan__c": theirs}, before)
    return agreed.inward, agreed.outward


@pytest.mark.parametrize(
    ("rule", "mine", "theirs", "inward", "outward"),
    [
        (BOTH, "pro", "free", {"plan": "free"}, {}),
        (OURS, "pro", "free", {}, {"Plan__c": "pro"}),
        (BOTH, "pro", None, {}, {"Plan__c": "pro"}),
        (OURS, None, "free", {"plan": "free"}, {}),
        (IN, "pro", "free", {"plan": "free"}, {}),
        (IN, "pro", None, {}, {}),
        (OUT, "pro", "free", {}, {"Plan__c": "pro"}),
        (OUT, None, "free", {}, {}),
        (BOTH, 20, 20.0, {}, {}),
        (BOTH, None, "", {}, {}),
    ],
)
def test_at_first_sight_what_one_side_lacks_is_given_and_else_the_winner_counts(
    rule: Rule, mine: Json, theirs: Json, inward: dict[str, Json], outward: dict[str, Json]
) -> None:
    assert way(rule, mine, theirs) == (inward, outward)


@pytest.mark.parametrize(
    ("rule", "mine", "theirs", "inward", "outward"),
    [
        (BOTH, "old", "new", {"plan": "new"}, {}),
        (OURS, "old", "new", {"plan": "new"}, {}),
        (BOTH, "new", "old", {}, {"Plan__c": "new"}),
        (BOTH, "mine", "theirs", {"plan": "theirs"}, {}),
        (OURS, "mine", "theirs", {}, {"Plan__c": "mine"}),
        (BOTH, "old", None, {"plan": None}, {}),
        (BOTH, None, "old", {}, {"Plan__c": None}),
        (IN, "new", "old", {}, {}),
        (OUT, "old", "new", {}, {}),
    ],
)
def test_later_the_side_that_has_changed_counts(
    rule: Rule, mine: Json, theirs: Json, inward: dict[str, Json], outward: dict[str, Json]
) -> None:
    assert way(rule, mine, theirs, ("old", "old")) == (inward, outward)


def test_what_the_other_side_keeps_in_its_own_form_is_no_change_twice() -> None:
    assert way(BOTH, "Ana@Example.com", "ana@example.com", ("Ana@Example.com", "ana@example.com")) == ({}, {})


def test_what_was_refused_is_still_owed() -> None:
    agreed = agree([BOTH], {"plan": "new"}, {"Plan__c": "old"}, {"plan": (mark("old"), mark("old"))})
    assert owed([BOTH], {"plan": "new"}, agreed.before)
    assert not owed([BOTH], {"plan": "new"}, agreed.seen)


VALUES = st.sampled_from([None, "", "a", "b", 1, True])


@given(st.sampled_from([BOTH, OURS]), VALUES, VALUES, st.lists(st.tuples(st.booleans(), VALUES), max_size=6))
def test_both_sides_are_equal_after_every_round_and_the_next_has_nothing_to_do(
    rule: Rule, mine: Json, theirs: Json, edits: list[tuple[bool, Json]]
) -> None:
    seen: Seen = {}
    for here, value in [(True, mine), *edits]:
        mine, theirs = (value, theirs) if here else (mine, value)
        agreed = agree([rule], {"plan": mine}, {"Plan__c": theirs}, seen)
        mine = agreed.inward.get("plan", mine)
        theirs = agreed.outward.get("Plan__c", theirs)
        seen = agreed.seen
        assert mark(mine) == mark(theirs)
        again = agree([rule], {"plan": mine}, {"Plan__c": theirs}, seen)
        assert (again.inward, again.outward) == ({}, {})


def test_one_value_that_was_not_given_is_enough_to_owe_something() -> None:
    rules = [Rule("plan", "Plan"), Rule("seats", "Seats")]
    assert owed(rules, {"plan": "pro"}, {})
    assert not owed(rules, {}, {})
