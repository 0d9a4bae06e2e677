"""Tracks: where a customer stands and when it moves (language, section 7)."""

from __future__ import annotations

from perennia.core.decisions import StageLockOrder
from tests.support.lives import Life, after

TRACK = """
track: adoption
stages:
  - id: new
  - id: active
    enter: 'count("Used", "10d") >= 2'
  - id: expert
    enter: traits.skill == "high"
  - id: gone
    enter: traits.status == "churned"
    end: true
"""


def moves(life: Life) -> list[tuple[str, str]]:
    return [(at, what.removeprefix("stage adoption: ")) for at, what in life.timeline]


def test_a_stage_without_a_criterion_always_holds() -> None:
    assert moves(Life(TRACK).until("1d")) == [("0d", "new")]


def test_a_stage_is_entered_at_the_instant_its_criterion_holds() -> None:
    life = Life(TRACK).event("1d", "Used").event("2d", "Used").until("3d")
    assert moves(life) == [("0d", "new"), ("2d", "active")]


def test_a_stage_can_be_skipped() -> None:
    life = Life(TRACK).traits("1d", skill="high").until("3d")
    assert moves(life) == [("0d", "new"), ("1d", "expert")]


def test_forward_never_goes_back() -> None:
    life = Life(TRACK).traits("1d", skill="high").traits("2d", skill="low").until("30d")
    assert moves(life) == [("0d", "new"), ("1d", "expert")]


def test_any_goes_back_when_time_alone_ends_a_criterion() -> None:
    life = Life(TRACK + "move: any\n").event("1d", "Used").event("2d", "Used").until("30d")
    assert moves(life) == [("0d", "new"), ("2d", "active"), ("11d", "new")]


def test_an_end_stage_is_entered_from_anywhere_and_stops_the_clock() -> None:
    life = Life(TRACK).traits("1d", status="churned").event("2d", "Used").until("30d")
    assert moves(life) == [("0d", "new"), ("1d", "gone")]


def test_from_an_end_stage_a_criterion_that_turns_true_anew_is_entered() -> None:
    life = Life(TRACK).traits("1d", skill="high").traits("2d", status="churned")
    life.traits("3d", status="active").event("4d", "Used").event("5d", "Used").until("6d")
    assert moves(life)[2:] == [("2d", "gone"), ("5d", "active")]


def test_no_second_move_inside_the_dwell_time_and_a_look_when_it_ends() -> None:
    life = (
        Life(TRACK + "min_dwell: 3d\n").event("0d", "Used").event("1d", "Used").traits("2d", skill="high").until("9d")
    )
    assert moves(life) == [("0d", "new"), ("3d", "expert")]


def test_an_end_stage_is_entered_inside_the_dwell_time() -> None:
    life = Life(TRACK + "min_dwell: 3d\n").traits("1d", status="churned").until("9d")
    assert moves(life) == [("0d", "new"), ("1d", "gone")]


def test_a_suppressed_move_that_no_longer_holds_is_not_made_later() -> None:
    life = Life(TRACK + "min_dwell: 3d\n").traits("1d", skill="high").traits("2d", skill="low").until("9d")
    assert moves(life) == [("0d", "new")]


def test_a_stage_set_by_hand_holds_until_some_criterions_truth_changes() -> None:
    life = Life(TRACK + "move: any\n").stage("1d", "adoption", "expert").traits("2d", color="red")
    life.traits("3d", status="churned").until("9d")
    assert moves(life) == [("0d", "new"), ("1d", "expert"), ("3d", "gone")]


def test_a_step_sets_a_stage() -> None:
    book = """
playbook: p
enter: {on: [{event: Go}]}
steps:
  - stage: {adoption: expert}
"""
    life = Life(TRACK + "---" + book).event("1d", "Go").until("2d")
    assert ("1d", "stage adoption: expert") in life.timeline


def test_a_move_records_which_criteria_held_and_which_did_not() -> None:
    life = Life(TRACK).traits("1d", skill="high").until("2d")
    move = next(entry for entry in life.journal if entry.code == "expert")
    assert [(each.expression, each.value) for each in move.evidence] == [
        ('count("Used", "10d") >= 2', False),
        ('traits.skill == "high"', True),
        ('traits.status == "churned"', False),
    ]


def test_an_expression_reads_the_stage_and_how_long_it_has_lasted() -> None:
    book = """
playbook: p
topic: tips
enter: {on: [{when: 'in_stage("adoption", "active", "5d")'}]}
steps:
  - email: five-days-active
"""
    life = Life(TRACK + "---" + book).event("1d", "Used").event("2d", "Used").until("9d")
    assert ("7d", "email five-days-active") in life.timeline


def test_a_track_that_reads_another_moves_at_the_same_instant_whatever_their_order() -> None:
    text = """
track: a-follower
stages:
  - id: waiting
  - id: following
    enter: stage.leader == "ahead"
---
track: leader
stages:
  - id: behind
  - id: ahead
    enter: traits.go == true
---
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - email: "{{ stage }}"
"""
    life = Life(text).traits("1d", go=True).until("2d")
    assert life.timeline[2:] == [("1d", "stage leader: ahead"), ("1d", "stage a-follower: following")]


def test_a_track_that_counts_something_new_moves_people_when_it_is_published_not_before() -> None:
    life = Life("track: t\nstages: [{id: s1}, {id: s2, enter: traits.never == 1}]")
    life.publish("1d", "track: t\nstages: [{id: s1}, {id: s2, enter: '!happened(\"B\")'}]").until("2d")
    assert [(each.at, each.code) for each in life.journal if each.act == "stage"] == [
        (after("0d"), "s1"),
        (after("1d"), "s2"),
    ]


# --- locks ----------------------------------------------------------------------------------------------------------

STAYS = "track: t\nstages: [{id: s0}, {id: s1, enter: traits.n >= 1}, {id: gone, enter: traits.n >= 9, end: true}]\n"
MOVER = "---\nplaybook: p\nenter: {on: [{event: Go}]}\nsteps: [{stage: {t: s1}}]\n"


def lock(at: str, *, locked: bool = True, until: str | None = None) -> StageLockOrder:
    end = None if until is None else after(until)
    return StageLockOrder(at=after(at), track="t", locked=locked, by="kim", until=end, why="renewal talks")


def moved(life: Life) -> list[tuple[str, str]]:
    return [each for each in life.timeline if each[1].startswith("stage")]


def test_who_is_locked_stays_whatever_turns_true_an_end_included() -> None:
    life = Life(STAYS).put("1d", lock("1d")).traits("2d", n=1).traits("3d", n=9).until("9d")
    assert moved(life) == [("0d", "stage t: s0")]


def test_unlocking_looks_at_once_where_the_customer_belongs() -> None:
    life = Life(STAYS).put("1d", lock("1d")).traits("2d", n=1).put("3d", lock("3d", locked=False)).until("9d")
    assert moved(life)[1:] == [("3d", "stage t: s1")]


def test_a_lock_ends_at_its_instant() -> None:
    life = Life(STAYS).put("1d", lock("1d", until="4d")).traits("2d", n=1).until("9d")
    assert moved(life)[1:] == [("4d", "stage t: s1")]


def test_a_step_does_not_move_who_is_locked_and_a_person_does() -> None:
    life = Life(STAYS + MOVER).put("1d", lock("1d")).event("2d", "Go").stage("3d", "t", "s1").until("9d")
    assert moved(life)[1:] == [("3d", "stage t: s1")]
    assert [each.reason for each in life.journal if each.act == "ignored"] == ["stage_locked"]


def test_a_lock_in_a_track_where_the_customer_stands_nowhere_is_noted() -> None:
    order = StageLockOrder(at=after("1d"), track="none", locked=True, by="kim")
    life = Life(STAYS).put("1d", order).until("2d")
    assert [(each.code, each.reason) for each in life.journal if each.act == "ignored"] == [("lock", "unknown_stage")]


def test_a_hold_by_hand_ends_with_a_criterion_that_turns_while_its_stage_is_locked() -> None:
    life = Life(STAYS).stage("1d", "t", "s0").put("2d", lock("2d")).traits("3d", n=1)
    assert moved(life.put("4d", lock("4d", locked=False)).until("9d"))[1:] == [("4d", "stage t: s1")]


def test_a_stage_that_no_track_has_is_noted() -> None:
    life = Life(STAYS).stage("1d", "t", "nowhere").until("2d")
    assert [(each.code, each.reason, each.detail) for each in life.journal if each.act == "ignored"] == [
        ("nowhere", "unknown_stage", {"track": "t", "by": "kim"})
    ]


def test_who_was_set_by_hand_stays_where_a_lock_ends_and_nothing_has_turned() -> None:
    life = Life(STAYS + "move: any\n").stage("1d", "t", "s1").put("2d", lock("2d", until="4d")).until("9d")
    assert moved(life)[1:] == [("1d", "stage t: s1")]


def test_the_stage_where_the_customer_stands_already_can_be_set_to_hold() -> None:
    life = Life("track: t\nstages: [{id: s0}]").stage("1d", "t", "s0")
    later = "track: t\nstages: [{id: s0}, {id: s1, enter: '!happened(\"A\")'}]"
    assert moved(life.publish("2d", later).until("9d")) == [("0d", "stage t: s0")]
