"""Whoever is compared is asked the same question: did they reach the goal until `within` from their entry was over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from perennia.core.advance import Decision, advance
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import Act, CustomerEvent, Input, MessageTold, TraitsChanged
from perennia.core.definitions import Playbook
from perennia.core.deliberation import Deliberation
from perennia.core.keys import key_of
from perennia.core.nodes import EventTest, Rule, WhenTest
from perennia.core.state import CustomerState, Trial
from tests.support.lives import START, TOPICS, Life, after, catalog_of, documents
from tests.support.random_lives import document_of, fresh, live

BOOK = """
playbook: p
topic: tips
enter: {on: [{event: Go}], reenter: always}
goal: {event: Bought, within: 10d}
steps:
  - split: {a: {share: 50, then: [{email: one}]}, b: {share: 50, then: [{email: two}]}}
"""
HELD_OUT = BOOK.replace("reenter: always", "reenter: always, holdout: 100%")


def goals(life: Life) -> list[tuple[str, object]]:
    return [(str(each.enrollment), each.detail["conversion"]) for each in life.journal if each.act == Act.GOAL]


def conversions(text: str, at: str) -> list[tuple[str, object]]:
    return goals(Life(text).event("0d", "Go").event(at, "Bought").until("30d"))


def test_a_goal_reached_after_the_last_step_is_a_conversion() -> None:
    assert conversions(BOOK, "9d23h59m59s") == [("p.1", True)]


def test_a_goal_reached_when_the_span_is_over_is_none() -> None:
    assert conversions(BOOK, "10d") == []


def test_it_shows_nowhere_but_in_the_decision_log() -> None:
    life = Life(BOOK).event("0d", "Go").event("3d", "Bought").until("30d")
    assert [what for _, what in life.timeline][1:] == ["ended completed"]
    assert [str(each.act) for each in life.journal][-2:] == ["ended", "goal"]


def test_whoever_is_held_out_is_counted_by_the_same_span() -> None:
    assert (conversions(HELD_OUT, "9d23h59m59s"), conversions(HELD_OUT, "10d")) == ([("p.1", True)], [("p.1", False)])


def test_an_exit_ends_nobody_s_span() -> None:
    exits = "exit: [{event: Left, reason: gone}]\nsteps:"
    for text in (BOOK, HELD_OUT):
        life = Life(text.replace("steps:", exits)).event("0d", "Go").event("1d", "Left").event("2d", "Bought")
        assert goals(life.until("30d")) == [("p.1", True)]


def test_without_a_split_and_a_holdout_nobody_is_compared() -> None:
    text = BOOK.replace("  - split: {a: {share: 50, then: [{email: one}]}, b: {share: 50, then: [{email: two}]}}", "")
    assert conversions(text + "  - email: one\n", "2d") == []


def test_whoever_is_observed_may_enter_again_and_counts_once() -> None:
    life = Life(BOOK).event("0d", "Go").event("1d", "Go").event("2d", "Bought").until("30d")
    assert life.entries == ["0d", "1d"]
    assert goals(life) == [("p.1", True)]


def test_whoever_enters_when_the_span_is_over_counts_again() -> None:
    life = Life(BOOK).event("0d", "Go").event("10d", "Go").event("12d", "Bought").until("30d")
    assert goals(life) == [("p.2", True)]


def test_a_goal_of_a_key_counts_for_the_enrollment_of_that_key() -> None:
    text = BOOK.replace("topic: tips", "topic: tips\nkey: event.k")
    life = Life(text).event("0d", "Go", {"k": 1}).event("1d", "Bought", {"k": 2}).event("2d", "Bought", {"k": 1})
    assert [(str(each.at - START), each.act) for each in life.until("30d").journal][-1] == ("2 days, 0:00:00", "goal")


def taken(text: str, *inputs: Input) -> Decision:
    """What is decided at the start, the message of the one step out at once."""
    go = CustomerEvent(at=START, name="Go")
    told = TraitsChanged(at=START, traits={"plan": "free"})
    catalog = catalog_of(text)
    return advance(catalog, fresh(), inputs[-1].at if inputs else START, [told, go, *inputs], {})


SHORT = BOOK.replace("email: one", "milestone: one").replace("email: two", "milestone: two")


def test_nothing_wakes_whoever_is_observed_for_the_end_of_the_span() -> None:
    decision = taken(SHORT)
    assert [each.id for each in decision.state.observed] == ["p.1"]
    assert decision.state.enrollments == []
    assert (decision.wake_at, "event:Bought" in decision.watching) == (None, True)


def test_a_goal_that_time_alone_makes_true_is_noticed_at_its_instant() -> None:
    decision = taken(SHORT.replace("event: Bought", 'when: \'idle("Used", "4d")\''))
    assert decision.wake_at == after("4d")
    late = taken(SHORT.replace("event: Bought", 'when: \'idle("Used", "12d")\''))
    assert late.wake_at is None


def test_of_what_an_enrollment_watched_only_its_goal_is_watched_after_its_end() -> None:
    text = SHORT.replace("event: Bought", "when: traits.x == 1")
    decision = taken(text.replace("steps:", "exit: [{when: traits.y == 1, reason: gone}]\nsteps:"))
    assert [list(each.watches) for each in decision.state.observed] == [["goal"]]


def test_what_is_over_is_dropped_at_the_next_look() -> None:
    decision = taken(SHORT, CustomerEvent(at=after("10d"), name="Bought"))
    assert decision.state.observed == []


def test_a_click_after_the_end_counts_where_the_goal_looks_for_it() -> None:
    text = BOOK.replace("event: Bought", "when: steps.mail.clicked == true").replace(
        "{email: one}", "{id: mail, email: one}"
    )
    text = text.replace("{email: two}", "{id: other, email: two}").replace("share: 50", "share: 100", 1)
    life = Life(text.replace("share: 50", "share: 0")).event("0d", "Go").until("1d")
    life.put("2d", MessageTold(at=after("2d"), key="c1/p.1/mail/1", what="clicked")).until("3d")
    assert goals(life) == [("p.1", True)]


def test_a_state_from_before_is_read() -> None:
    old = msgspec.to_builtins(fresh())
    assert "observed" not in old
    assert msgspec.convert(old, CustomerState).observed == []


# --- against a count by brute force -------------------------------------------------------------------------------------

WHENS = ["traits.x == 1", 'count("A", "1d") >= 2', 'idle("B", "1d6h")', 'happened("C", "6h") && traits.x != 0']
GOALS: list[Mapping[str, object]] = [*({"event": name} for name in "ABC"), *({"when": each} for each in WHENS)]
WHATS: list[tuple[str, int] | int] = [("Go", 1), ("Go", 1), ("Go", 2), ("A", 1), ("B", 1), ("B", 2), ("C", 1), 0, 1, 2]
STEPS: list[Mapping[str, object]] = [
    {"wait": "7h"},
    {"email": "tips/one"},
    {"email": "tips/two"},
    {"emit": "B"},
    {"split": {"a": {"share": 50, "then": [{"emit": "C"}]}, "b": {"share": 50, "then": [{"wait": "6h"}]}}},
]


@st.composite
def compared(draw: st.DrawFn) -> Catalog:
    """One playbook that is compared, of any of these goals, ends and holdouts."""
    goal = {**draw(st.sampled_from(GOALS)), "within": draw(st.sampled_from(["3d", "30h"]))}
    raw: dict[str, object] = {
        "playbook": draw(st.sampled_from(["p1", "p2", "p3", "p4"])),  # in and out of the holdout
        "topic": "tips",
        "enter": {"on": [{"event": "Go"}], "reenter": "always", "holdout": "50%"},
        "goal": {**goal, "then": draw(st.sampled_from(["exit", "continue"]))},
        "exit": [{"when": "traits.x == 2", "reason": "two"}],
        "steps": draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=2)),
    }
    if draw(st.booleans()):
        raw["key"] = "event.k"
    return compile_catalog("r1", [*documents(TOPICS), document_of(Playbook.model_validate(raw), "v1")])


@st.composite
def busy(draw: st.DrawFn) -> tuple[Input, ...]:
    """A few days in which something happens every few hours, and little of it starts a playbook."""
    inputs: list[Input] = [TraitsChanged(at=START, seq=1, traits={"email": "ana@example.com", "x": 0})]
    at = START
    for gap, what in draw(st.lists(st.tuples(st.integers(5, 900), st.sampled_from(WHATS)), min_size=5, max_size=14)):
        at += timedelta(minutes=gap, seconds=1)
        if isinstance(what, int):
            inputs.append(TraitsChanged(at=at, seq=len(inputs) + 1, traits={"x": what}))
        else:
            inputs.append(CustomerEvent(at=at, seq=len(inputs) + 1, name=what[0], properties={"k": what[1]}))
    return tuple(inputs)


@settings(max_examples=settings().max_examples * 2)
@given(compared(), busy())
def test_a_conversion_is_counted_just_when_the_goal_is_reached_in_the_span(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    decisions, taken_in = live(catalog, inputs, 8)
    trials: dict[str, Trial] = {}
    for decision in decisions:
        trials |= {each.enrollment: each for each in decision.trials}
    journal = [entry for decision in decisions for entry in decision.journal]
    entered = [entry.enrollment for entry in journal if entry.act == Act.ENTERED]
    assert entered[:1] == [*trials][:1]
    said = {entry.enrollment: entry.at for entry in journal if entry.detail.get("conversion") is True}
    keys = {run.id: run.key for decision in decisions for run in decision.state.enrollments}
    for trial in trials.values():
        if trial.enrollment not in keys and catalog.playbooks[trial.playbook].key is not None:
            continue  # it began and ended in one turn: nobody knows its key any more
        reached = first_reached(catalog, trial, keys.get(trial.enrollment), decisions, taken_in)
        assert trial.converted == said.get(trial.enrollment)
        assert trial.converted == reached


def first_reached(
    catalog: Catalog, trial: Trial, key: str | None, decisions: Sequence[Decision], inputs: Sequence[Input]
) -> datetime | None:
    """Asked of every event, or of every instant at which the goal's truth could change, whatever anybody remembers."""
    goal = catalog.playbooks[trial.playbook].goal
    assert goal is not None
    if isinstance(goal.test, EventTest):
        heard = [
            *(each for each in inputs if isinstance(each, CustomerEvent)),
            *(e for d in decisions for e in d.heard),
        ]
        own = (
            each
            for each in heard
            if each.name == goal.test.event and is_its(catalog, goal.test, key, each, decisions[-1])
        )
        found = [each.at for each in own if trial.began < each.at or (each.at == trial.began and each.seq == 0)]
    else:
        found = list(true_at(catalog, goal, trial, decisions))
    return min((each for each in found if each < trial.until), default=None)


def is_its(catalog: Catalog, test: EventTest, key: str | None, event: CustomerEvent, decision: Decision) -> bool:
    if key is None or test.match is None:
        return True
    return key_of(Deliberation(catalog, decision.state, {}), test.match, event.properties) == key


def true_at(catalog: Catalog, goal: Rule, trial: Trial, decisions: Sequence[Decision]) -> Iterator[datetime]:
    assert isinstance(goal.test, WhenTest)
    ends = [*(decision.state.now for decision in decisions[1:]), trial.until]
    for decision, end in zip(decisions, ends, strict=True):
        run = Deliberation(catalog, decision.state, {})
        while trial.began <= run.instant < trial.until:
            verdict = goal.test.when.evaluate(run.view())
            if verdict.holds:
                yield run.instant
            if verdict.next_change is None or verdict.next_change >= end:
                break
            run.instant = verdict.next_change
