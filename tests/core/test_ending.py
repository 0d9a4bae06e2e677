"""Goals, exits, while, and what people order (language, sections 1, 6 and behaviours 36-43)."""

from __future__ import annotations

from tests.support.lives import Life

HEAD = """
playbook: p
topic: tips
enter:
  on: [{event: Go}]
"""
LONG = HEAD + "steps:\n  - wait: 10d\n  - email: late\n"


def with_rules(rules: str) -> str:
    return LONG.replace("steps:", rules + "\nsteps:")


def test_a_goal_interrupts_a_wait_at_once() -> None:
    life = (
        Life(with_rules("goal: {when: 'happened(\"Shared\")'}")).event("0d", "Go").event("2d6h", "Shared").until("20d")
    )
    assert life.timeline == [("2d6h", "ended goal")]


def test_an_exit_interrupts_a_wait_at_once() -> None:
    life = Life(with_rules("exit: [{when: traits.stop == true, reason: opted_out}]"))
    life.event("0d", "Go").traits("1d", stop=True).until("20d")
    assert life.timeline == [("1d", "ended opted_out")]


def test_an_exit_that_time_alone_makes_true_falls_at_its_second() -> None:
    life = Life(with_rules('exit: [{when: \'idle("Used", "3d")\', reason: gone}]'))
    life.event("0d", "Used").event("1h", "Go").until("20d")
    assert life.timeline == [("3d", "ended gone")]


def test_an_exit_comes_before_a_goal_of_the_same_instant() -> None:
    rules = "goal: {when: traits.x == 1}\nexit: [{when: traits.x == 1, reason: first}]"
    life = Life(with_rules(rules)).event("0d", "Go").traits("1d", x=1).until("20d")
    assert life.timeline == [("1d", "ended first")]


def test_a_goal_comes_before_a_condition_of_the_same_instant() -> None:
    text = HEAD + "goal: {when: 'happened(\"A\")'}\nsteps:\n  - wait_for: [{event: A}]\n  - email: passed\n"
    life = Life(text).event("0d", "Go").event("1d", "A").until("20d")
    assert life.timeline == [("1d", "ended goal")]


def test_a_goal_that_continues_is_noted_once_and_the_steps_go_on() -> None:
    life = Life(with_rules("goal: {when: 'happened(\"Shared\")', then: continue}"))
    life.event("0d", "Go").event("1d", "Shared").event("2d", "Shared").until("20d")
    assert life.timeline == [("10d", "email late"), ("10d", "ended completed")]
    assert len([entry for entry in life.journal if entry.act == "goal"]) == 1


def test_a_goal_after_its_window_ends_the_run_but_is_no_conversion() -> None:
    life = Life(with_rules("goal: {when: 'happened(\"Shared\")', within: 2d}"))
    life.event("0d", "Go").event("2d", "Shared").until("20d")
    (goal,) = [entry for entry in life.journal if entry.act == "goal"]
    assert goal.detail == {"conversion": False}


def test_a_goal_inside_its_window_is_a_conversion() -> None:
    life = Life(with_rules("goal: {when: 'happened(\"Shared\")', within: 2d}"))
    life.event("0d", "Go").event("1d23h59m59s", "Shared").until("20d")
    (goal,) = [entry for entry in life.journal if entry.act == "goal"]
    assert goal.detail == {"conversion": True}


def test_while_is_looked_at_before_an_outward_step_and_not_before() -> None:
    life = Life(with_rules('while: traits.status != "churned"')).event("0d", "Go").traits("1d", status="churned")
    life.until("20d")
    assert life.timeline == [("10d", "ended not_while")]


def test_an_ended_enrollment_has_one_reason() -> None:
    life = Life(LONG).event("0d", "Go").until("20d")
    assert [entry.code for entry in life.journal if entry.act == "ended"] == ["completed"]


def test_a_skipped_step_ends_skipped_by_a_person_and_the_run_goes_on_from_now() -> None:
    life = (
        Life(HEAD + "steps:\n  - wait: 10d\n  - wait: 1d\n  - email: a\n")
        .event("0d", "Go")
        .skip("2d", "p")
        .until("20d")
    )
    assert life.timeline == [("2d", "skipped wait-1: by_person"), ("3d", "email a"), ("3d", "ended completed")]


def test_a_paused_enrollment_keeps_its_timers_and_holds_at_the_next_message() -> None:
    life = Life(LONG).event("0d", "Go").pause("1d", "p").resume("12d", "p").until("20d")
    assert life.timeline == [("12d", "email late"), ("12d", "ended completed")]


def test_a_resume_before_the_message_is_due_changes_nothing() -> None:
    life = Life(LONG).event("0d", "Go").pause("1d", "p").resume("2d", "p").until("20d")
    assert life.timeline[0] == ("10d", "email late")


def test_spans_after_a_held_message_count_from_when_it_left() -> None:
    text = HEAD + "steps:\n  - wait: 1d\n  - email: a\n  - wait: 1d\n  - email: b\n"
    life = Life(text).event("0d", "Go").pause("1h", "p").resume("5d", "p").until("20d")
    assert life.timeline[:2] == [("5d", "email a"), ("6d", "email b")]


def test_a_goal_ends_a_paused_enrollment() -> None:
    life = Life(with_rules("goal: {when: 'happened(\"Shared\")'}"))
    life.event("0d", "Go").pause("1d", "p").event("2d", "Shared").until("20d")
    assert life.timeline == [("2d", "ended goal")]


def test_an_order_for_somebody_who_is_not_inside_is_noted_and_changes_nothing() -> None:
    life = Life(LONG).skip("1d", "p").until("2d")
    assert [(entry.act, entry.code, entry.reason) for entry in life.journal] == [("ignored", "skip", "not_enrolled")]


def test_a_circle_with_a_message_in_it_goes_round_a_hundred_times_in_an_hour() -> None:
    circle = """
playbook: ping
topic: tips
enter:
  on: [{event: Ping}]
  reenter: always
steps:
  - email: ping
  - emit: Pong
---
playbook: pong
topic: tips
enter:
  on: [{event: Pong}]
  reenter: always
steps:
  - email: pong
  - emit: Ping
---
"""
    life = Life(circle + LONG).event("0d", "Go").event("1d", "Ping").event("1d1h", "Ping").until("20d")
    mails = [when for when, what in life.timeline if what == "email ping"]
    assert (mails.count("1d"), mails.count("1d1h"), len(mails)) == (101, 101, 202)
    assert ("10d", "email late") in life.timeline


# Each run flips the trait that starts the other one, for ever.
FLIPS = """
playbook: ping
topic: tips
enter:
  on: [{when: traits.ball == "ping"}]
  reenter: always
steps:
  - update: {ball: '"pong"'}
---
playbook: pong
topic: tips
enter:
  on: [{when: traits.ball == "pong"}]
  reenter: always
steps:
  - update: {ball: '"ping"'}
---
"""


def test_a_circle_without_a_wait_is_stopped_and_harms_no_other_playbook() -> None:
    life = Life(FLIPS + LONG).event("0d", "Go").traits("1d", ball="ping").until("20d")
    assert ("10d", "email late") in life.timeline
    assert {"ended loop_guard"} <= {what for _, what in life.timeline}


def test_who_moved_at_the_instant_of_a_circle_and_moves_no_more_lives_on() -> None:
    long = LONG.replace("event: Go", 'when: traits.ball == "ping"')
    life = Life(FLIPS + long).traits("1d", ball="ping").until("20d")
    assert ("11d", "email late") in life.timeline


def test_of_two_exits_that_hold_the_first_ends_it_alone() -> None:
    rules = "exit: [{when: traits.x == 1, reason: first}, {when: traits.x == 1, reason: second}]"
    life = Life(with_rules(rules)).event("0d", "Go").traits("1d", x=1).until("2d")
    assert life.timeline == [("1d", "ended first")]


def test_an_event_that_ends_it_is_told_with_what_its_filter_saw() -> None:
    rules = "exit: [{event: Stop, where: event.n > 1, reason: told}]"
    life = Life(with_rules(rules)).event("0d", "Go").event("1d", "Stop", {"n": 2}).until("2d")
    (ended,) = [each for each in life.journal if each.act == "ended"]
    assert [(each.expression, each.value) for each in ended.evidence] == [("event.n > 1", True)]


def test_a_goal_that_was_reached_is_looked_at_no_more() -> None:
    life = Life(with_rules("goal: {when: traits.g == 1, then: continue}")).event("0d", "Go").traits("1d", g=1)
    assert life.until("2d").enrollment.watches == {}


def test_spans_after_a_message_that_a_pause_kept_and_that_is_skipped_then_count_from_the_resumption() -> None:
    life = Life(HEAD + "steps:\n  - wait: 1d\n  - email: a\n  - wait: 1d\n  - email: b\n    transactional: true\n")
    life.event("0d", "Go").pause("1h", "p").put("2d", lambda world: world.consent("tips", given=False))
    assert life.resume("5d", "p").until("20d").timeline[:2] == [
        ("5d", "skipped email-1: unsubscribed_topic"),
        ("6d", "email b"),
    ]
