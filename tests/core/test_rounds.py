"""Repeats, emitted events and milestones."""

from __future__ import annotations

from perennia.core.advance import advance, new_customer
from perennia.core.decisions import CustomerEvent
from perennia.simulate.outside import Fault
from tests.support.lives import START, Life, after, catalog_of

BOOK = """
playbook: p
topic: tips
enter: {on: [{event: Go}], reenter: always}
"""

ROUNDS = (
    BOOK
    + """
steps:
  - id: rounds
    repeat:
      every: 1d
      times: 3
      until: traits.enough == true
      steps: [{email: round}]
  - email: after
"""
)


def test_rounds_begin_at_once_then_every_span_and_after_the_last_it_goes_on_at_once() -> None:
    life = Life(ROUNDS).event("0d", "Go").until("9d")
    assert life.timeline == [
        ("0d", "email round"),
        ("1d", "email round"),
        ("2d", "email round"),
        ("2d", "email after"),
        ("2d", "ended completed"),
    ]


def test_until_is_looked_at_before_each_round() -> None:
    life = Life(ROUNDS).event("0d", "Go").traits("1h", enough=True).until("9d")
    assert life.timeline[1:] == [("1d", "email after"), ("1d", "ended completed")]


def test_until_that_holds_at_once_leaves_no_round() -> None:
    life = Life(ROUNDS, traits={"enough": True}).event("0d", "Go").until("9d")
    assert life.timeline[0] == ("0d", "email after")


def test_the_number_of_rounds_is_the_result() -> None:
    life = Life(ROUNDS).event("0d", "Go").traits("1d1h", enough=True).until("9d")
    (ended,) = [entry for entry in life.journal if entry.act == "step_ended" and entry.step == "rounds"]
    assert ended.detail == {"verb": "repeat", "rounds": 2}


def test_a_round_that_takes_longer_begins_the_next_when_it_ends() -> None:
    book = BOOK + "steps: [{repeat: {every: 1d, times: 3, steps: [{email: a}, {wait: 30h}]}}]"
    life = Life(book).event("0d", "Go").until("9d")
    assert life.timeline == [
        ("0d", "email a"),
        ("1d6h", "email a"),
        ("2d12h", "email a"),
        ("3d18h", "ended completed"),
    ]


def test_the_span_counts_from_the_beginning_of_a_round_that_began_late() -> None:
    book = BOOK + "steps: [{repeat: {every: 1d, times: 3, steps: [{email: a}, {wait_for: [{event: B}]}]}}]"
    life = Life(book).event("0d", "Go").event("1d6h", "B").event("1d7h", "B").until("9d")
    assert life.timeline == [("0d", "email a"), ("1d6h", "email a"), ("2d6h", "email a")]


def test_every_visit_has_an_effect_key_of_its_own() -> None:
    life = Life(ROUNDS).event("0d", "Go").until("30h")
    assert life.enrollment.visits["email-1"] == 2


def test_an_event_is_used_by_one_round_only() -> None:
    rounds = "{every: 1h, times: 2, steps: [{wait_for: [{event: B}], up_to: 30m, else: [{email: none}]}]}"
    life = Life(BOOK + f"steps: [{{repeat: {rounds}}}]").event("0d", "Go").event("10m", "B").until("9d")
    assert life.timeline == [("1h30m", "email none"), ("1h30m", "ended completed")]


def test_events_of_a_round_that_were_not_needed_are_there_for_the_next() -> None:
    rounds = "{every: 1h, times: 3, steps: [{wait_for: [{event: B}], up_to: 30m, else: [{email: none}]}]}"
    life = Life(BOOK + f"steps: [{{repeat: {rounds}}}]").event("0d", "Go")
    life.event("10m", "B").event("11m", "B").event("12m", "B").until("9d")
    assert life.timeline == [("2h", "ended completed")]


def test_repeats_inside_repeats_begin_anew_in_each_round() -> None:
    inner = "{repeat: {every: 1h, times: 2, steps: [{email: in}]}}"
    life = Life(BOOK + f"steps: [{{repeat: {{every: 1d, times: 2, steps: [{inner}]}}}}]").event("0d", "Go").until("9d")
    assert [at for at, what in life.timeline if what == "email in"] == ["0d", "1h", "1d", "1d1h"]


def test_the_condition_of_a_repeat_is_looked_at_once() -> None:
    book = BOOK + "steps: [{if: traits.x != 1, repeat: {every: 1d, times: 2, steps: [{email: a}]}}]"
    life = Life(book).event("0d", "Go").traits("1h", x=1).until("9d")
    assert [at for at, what in life.timeline if what == "email a"] == ["0d", "1d"]


def test_a_round_that_ended_too_late_is_followed_at_its_end_and_by_one_a_span_later() -> None:
    rounds = "{every: 1m, times: 3, steps: [{email: round}, {if: traits.never == 1, wait: 1d}]}"
    life = Life(BOOK + f"steps: [{{repeat: {rounds}}}]")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=7)]
    life.event("0d", "Go").until("1d")
    assert [at for at, what in life.timeline if what == "email round"] == ["0d", "2m7s", "3m7s"]


def test_a_person_skips_the_rounds_that_are_left() -> None:
    life = Life(ROUNDS).event("0d", "Go").skip("1h", "p").until("9d")
    assert [what for _, what in life.timeline] == [
        "email round",
        "skipped rounds: by_person",
        "email after",
        "ended completed",
    ]


def test_rounds_that_take_no_time_are_stopped() -> None:
    rounds = "{every: 1s, until: traits.never == 1, steps: [{if: traits.never == 1, wait: 1d}]}"
    life = Life(BOOK + f"steps: [{{repeat: {rounds}}}]".replace("1s", "0s")).event("0d", "Go").until("1h")
    assert life.timeline[-1] == ("0d", "ended loop_guard")


EMITS = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps: [{emit: Told, with: {amount: traits.x + 1}}, {email: first}]
---
playbook: q
topic: tips
enter: {on: [{event: Told, where: event.amount == 3}]}
steps: [{email: second}]
"""


def test_an_emitted_event_starts_another_playbook_at_the_same_instant() -> None:
    life = Life(EMITS, traits={"x": 2}).event("1h", "Go").until("1d")
    assert life.timeline[:2] == [("1h", "emit Told"), ("1h", "email first")]
    assert ("1h", "email second") in life.timeline


def test_an_emitted_event_counts_in_expressions() -> None:
    book = BOOK + "goal: {when: count('Told') == 2}\nsteps: [{repeat: {every: 1d, times: 9, steps: [{emit: Told}]}}]"
    life = Life(book).event("0d", "Go").until("9d")
    assert life.timeline == [("0d", "emit Told"), ("1d", "emit Told"), ("1d", "ended goal")]


def test_an_emitted_event_passes_a_wait_of_its_own_enrollment() -> None:
    life = Life(BOOK + "steps: [{emit: Told}, {wait_for: [{event: Told}]}, {email: a}]").event("0d", "Go").until("1h")
    assert life.timeline == [("0d", "emit Told"), ("0d", "email a"), ("0d", "ended completed")]


def test_an_emitted_event_whose_property_cannot_be_worked_out_fails_its_step() -> None:
    life = Life(BOOK + "steps: [{emit: Told, with: {x: traits.none + 1}}, {email: a}]").event("0d", "Go").until("1h")
    assert [what for _, what in life.timeline] == [
        "skipped emit-1: expression_error",
        "email a",
        "ended completed",
    ]


def test_playbooks_that_start_each_other_in_a_circle_are_stopped() -> None:
    circle = """
playbook: p
enter: {on: [{event: A}], reenter: always}
steps: [{emit: B}]
---
playbook: q
enter: {on: [{event: B}], reenter: always}
steps: [{emit: A}]
"""
    life = Life(circle).event("0d", "A").until("1h")
    assert any(entry.reason == "loop_guard" or entry.code == "loop_guard" for entry in life.journal)
    assert len(life.journal) < 1000


def test_a_milestone_is_reached_the_first_time() -> None:
    book = BOOK + "steps: [{repeat: {every: 1d, times: 2, steps: [{milestone: kickoff}]}}]"
    life = Life(book).event("1h", "Go").until("9d")
    assert life.world.state.milestones == {"kickoff": after("1h")}


def test_an_event_that_a_step_emits_is_told_as_heard() -> None:
    go = CustomerEvent(at=START, seq=1, name="Go")
    catalog = catalog_of(BOOK + "steps: [{emit: Told}]")
    decision = advance(catalog, new_customer("c1", "contact", "ana", START), START, [go], {})
    assert [each.name for each in decision.heard] == ["Told"]
