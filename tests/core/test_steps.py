"""What each step does, and where the enrollment goes on (language, section 5)."""

from __future__ import annotations

import pytest

from perennia.core.decisions import TaskEnded
from perennia.simulate.outside import Fault
from tests.support.lives import Life, after

HEAD = """
playbook: p
topic: tips
enter:
  on: [{event: Go}]
steps:
"""


def test_a_wait_ends_at_its_second() -> None:
    life = Life(HEAD + "  - wait: 1d12h30m15s\n  - email: a").event("0d", "Go").until("3d")
    assert life.timeline[0] == ("1d12h30m15s", "email a")


def test_waits_in_a_row_add_up() -> None:
    life = Life(HEAD + "  - wait: 1d\n  - wait: 2h\n  - email: a").event("0d", "Go").until("3d")
    assert life.timeline[0] == ("1d2h", "email a")


def test_a_calendar_wait_keeps_the_wall_clock_over_the_change_to_summer_time() -> None:
    # 2026-03-29 02:00 is skipped in Madrid: four weeks from 2 March 10:00 (+01:00) are 27 days and 23 hours.
    life = (
        Life(HEAD + "  - wait: 4w\n  - email: a", traits={"timezone": "Europe/Madrid"}).event("0d", "Go").until("30d")
    )
    assert life.timeline[0] == ("27d23h", "email a")


def test_a_wait_tells_its_end_and_what_ended_it() -> None:
    steps = """
  - {id: pause, wait: 1d}
  - {id: race, wait_for: [{event: A}], up_to: 3d}
  - {id: again, wait_for: [{event: A}], up_to: 3d}
"""
    life = Life(HEAD + steps).event("0d", "Go").event("2d", "A").until("5d")
    ended = [(each.step, each.code, each.detail) for each in life.journal if each.act == "step_ended"]
    assert ended == [
        ("pause", "done", {"verb": "wait"}),
        ("race", "done", {"verb": "wait_for", "condition": 1, "events": ["A"]}),
        ("again", "timed_out", {"verb": "wait_for"}),
    ]


def test_no_more_events_are_kept_than_there_are_waits_for_them() -> None:
    life = Life(HEAD + "  - wait: 9d\n  - wait_for: [{event: A}]\n    up_to: 3d").event("0d", "Go")
    for day in range(1, 6):
        life.event(f"{day}d", "A")
    assert len(life.until("6d").enrollment.unspent) == 1


def test_spans_after_a_message_count_from_its_release_even_when_its_end_came_later() -> None:
    life = Life(HEAD + "  - email: a\n  - wait: 1h\n  - email: b")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=3)]
    life.event("0d", "Go").until("1d")
    assert life.timeline == [("0d", "email a"), ("1h", "email b"), ("1h", "ended completed")]


def test_spans_after_a_second_message_count_from_its_own_release() -> None:
    life = Life(HEAD + "  - email: a\n  - email: b\n  - wait: 1h\n  - email: c")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=3)]
    life.event("0d", "Go").until("1d")
    assert life.timeline[:3] == [("0d", "email a"), ("7s", "email b"), ("1h7s", "email c")]


@pytest.mark.parametrize(
    ("step", "result", "expected"),
    [
        ("{id: s, task: Call, wait: true, due: 1h}", "overdue", "1h7s"),
        ("{id: s, approve: Well?, within: 1h, then: [{wait: 1d}]}", "timed_out", "1h7s"),
    ],
)
def test_the_limit_of_a_step_after_a_retried_message_counts_from_its_own_release(
    step: str, result: str, expected: str
) -> None:
    life = Life(HEAD + f"  - email: a\n  - {step}\n  - {{email: late, if: steps.s.outcome == '{result}'}}")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=3)]
    life.event("0d", "Go").until("1d")
    assert (expected, "email late") in life.timeline


@pytest.mark.parametrize(("failures", "leaves"), [(3, "7s"), (9, "8m31s"), (12, "23m31s")])
def test_a_message_that_fails_is_tried_ever_more_rarely_but_every_five_minutes(failures: int, leaves: str) -> None:
    life = Life(HEAD + "  - email: a\n  - task: Then")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=failures)]
    life.event("0d", "Go").until("1d")
    assert life.timeline == [("0d", "email a"), (leaves, 'task "Then"'), (leaves, "ended completed")]


def test_a_message_that_fails_for_two_days_is_given_up() -> None:
    life = Life(HEAD + "  - email: a\n  - task: Then")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=10_000)]
    life.event("0d", "Go").until("4d")
    # The last of the attempts, five minutes apart since 8:31, that comes before two days are over.
    assert life.timeline[1] == ("1d23h58m31s", "skipped email-1: provider_unavailable")


def test_what_happens_between_a_messages_release_and_its_end_counts_for_a_wait_that_follows() -> None:
    text = "  - wait: 1h\n  - email: a\n  - {wait_for: [{event: X, then: [{task: Heard}]}], since: step, up_to: 1d}"
    life = Life(HEAD + text)
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=3)]
    life.event("0d", "Go").event("30m", "X").event("1h3s", "X").until("3d")
    assert life.timeline == [("1h", "email a"), ("1h7s", 'task "Heard"'), ("1h7s", "ended completed")]


def test_what_happened_before_a_messages_release_does_not_count_for_a_wait_that_follows() -> None:
    text = "  - wait: 1h\n  - email: a\n  - {wait_for: [{event: X, then: [{task: Heard}]}], since: step, up_to: 1d}"
    life = Life(HEAD + text)
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=3)]
    life.event("0d", "Go").event("30m", "X").until("3d")
    assert life.timeline == [("1h", "email a"), ("1d1h", "ended completed")]


RACE = (
    HEAD
    + """
  - id: race
    wait_for:
      - event: A
        then: [{email: a}]
      - event: B
        then: [{email: b}]
    up_to: 2d
    else: [{email: late}]
  - email: after
"""
)


def test_the_first_condition_of_a_race_decides() -> None:
    life = Life(RACE).event("0d", "Go").event("1h", "B").event("2h", "A").until("3d")
    assert [what for _, what in life.timeline] == ["email b", "email after", "ended completed"]


def test_the_time_limit_of_a_race_falls_at_its_second() -> None:
    life = Life(RACE).event("0d", "Go").until("3d")
    assert life.timeline[:2] == [("2d", "email late"), ("2d", "email after")]


def test_a_condition_beats_the_time_limit_of_the_same_instant() -> None:
    life = Life(RACE).event("0d", "Go").event("2d", "B").until("3d")
    assert life.timeline[0] == ("2d", "email b")


def test_after_the_time_limit_a_condition_changes_nothing() -> None:
    life = Life(RACE).event("0d", "Go").event("2d1s", "B").until("3d")
    assert [what for _, what in life.timeline] == ["email late", "email after", "ended completed"]


def test_at_one_instant_the_earlier_condition_of_the_list_wins() -> None:
    text = HEAD + "  - wait: 1d\n" + RACE.split("steps:\n")[1]
    life = Life(text).event("0d", "Go").event("1h", "B").event("2h", "A").until("3d")
    assert life.timeline[0] == ("1d", "email a")


def test_events_since_entry_count_on_arrival() -> None:
    text = HEAD + "  - wait: 1d\n  - wait_for: [{event: A}]\n    up_to: 2d\n  - email: done"
    life = Life(text).event("0d", "Go").event("1h", "A").until("5d")
    assert life.timeline[0] == ("1d", "email done")


def test_since_step_counts_only_from_arrival() -> None:
    text = HEAD + "  - wait: 1d\n  - wait_for: [{event: A}]\n    since: step\n    up_to: 2d\n  - email: done"
    life = Life(text).event("0d", "Go").event("1h", "A").until("5d")
    assert life.timeline[0] == ("3d", "email done")


def test_the_entering_event_satisfies_no_wait() -> None:
    text = HEAD + "  - wait_for: [{event: Go}]\n    up_to: 1d\n    else: [{email: alone}]"
    life = Life(text).event("0d", "Go").until("5d")
    assert life.timeline[0] == ("1d", "email alone")


def test_an_event_satisfies_at_most_one_wait() -> None:
    text = (
        HEAD + "  - wait_for: [{event: A}]\n    up_to: 1d\n  - wait_for: [{event: A}]\n    up_to: 1d\n  - email: done"
    )
    life = Life(text).event("0d", "Go").event("1h", "A").until("5d")
    assert life.timeline[0] == ("1d1h", "email done")


def test_two_events_satisfy_two_waits() -> None:
    text = HEAD + "  - wait_for: [{event: A}]\n  - wait_for: [{event: A}]\n  - email: done"
    life = Life(text).event("0d", "Go").event("1h", "A").event("2h", "A").until("5d")
    assert life.timeline[0] == ("2h", "email done")


def test_all_of_several_events_latch_over_several_deliveries() -> None:
    text = HEAD + "  - wait_for: [{all: [{event: A}, {event: B}]}]\n    up_to: 9d\n  - email: both"
    life = Life(text).event("0d", "Go").event("1d", "B").event("3d", "A").until("10d")
    assert life.timeline[0] == ("3d", "email both")


def test_a_when_inside_all_must_hold_at_that_moment() -> None:
    text = HEAD + "  - wait_for: [{all: [{event: A}, {when: traits.ready == true}]}]\n    up_to: 9d\n  - email: both"
    life = Life(text, traits={"ready": True}).event("0d", "Go").traits("1d", ready=False).event("2d", "A")
    life.traits("4d", ready=True).until("10d")
    assert life.timeline[0] == ("4d", "email both")


def test_a_wait_for_a_condition_passes_when_it_turns_true_by_time_alone() -> None:
    text = HEAD + '  - wait_for: [{when: \'idle("Used", "3d")\'}]\n  - email: quiet'
    life = Life(text).event("0d", "Go").event("1d", "Used").until("10d")
    assert life.timeline[0] == ("4d", "email quiet")


def test_a_filter_of_a_waited_event_sees_its_properties() -> None:
    text = HEAD + '  - wait_for: [{event: A, where: "event.n > 1"}]\n    up_to: 9d\n  - email: done'
    life = Life(text).event("0d", "Go").event("1d", "A", {"n": 1}).event("2d", "A", {"n": 2}).until("10d")
    assert life.timeline[0] == ("2d", "email done")


@pytest.mark.parametrize(("seats", "template"), [(25, "big"), (10, "middle"), (1, "small"), (None, "small")])
def test_a_branch_takes_the_first_arm_that_is_true_and_else_where_data_is_missing(
    seats: int | None, template: str
) -> None:
    text = (
        HEAD
        + """
  - branch:
      - if: traits.seats >= 20
        then: [{email: big}]
      - if: traits.seats >= 10
        then: [{email: middle}]
    else: [{email: small}]
"""
    )
    life = Life(text, traits={"seats": seats}).event("0d", "Go").until("1d")
    assert life.timeline[0] == ("0d", f"email {template}")


def test_a_branch_without_a_true_arm_and_without_else_goes_on() -> None:
    text = HEAD + "  - branch:\n      - if: traits.x == 1\n        then: [{email: no}]\n  - email: next"
    life = Life(text).event("0d", "Go").until("1d")
    assert life.timeline[0] == ("0d", "email next")


def test_update_sets_and_removes_traits_by_expressions() -> None:
    text = HEAD + "  - update: {plan_before: traits.plan, plan: null, tries: traits.tries + 1}"
    life = Life(text, traits={"plan": "pro", "tries": 2}).event("0d", "Go").until("1d")
    traits = life.world.state.facts.traits
    assert (traits.get("plan_before"), traits.get("plan"), traits.get("tries")) == ("pro", None, 3)


def test_an_update_that_cannot_be_worked_out_fails_and_sets_nothing() -> None:
    text = HEAD + "  - id: u\n    update: {ok: 'true', tries: traits.tries + 1}\n  - email: next"
    life = Life(text).event("0d", "Go").until("1d")
    assert "ok" not in life.world.state.facts.traits
    assert [what for _, what in life.timeline] == ["skipped u: expression_error", "email next", "ended completed"]


def test_what_a_step_updates_another_playbook_sees_at_the_same_instant() -> None:
    second = """
playbook: second
topic: tips
enter:
  on: [{when: traits.ready == true}]
steps:
  - email: second
"""
    life = Life(HEAD + "  - update: {ready: 'true'}\n---\n" + second).event("1h", "Go").until("1d")
    assert ("1h", "email second") in life.timeline


def test_a_step_whose_condition_is_false_is_skipped_with_its_reason() -> None:
    text = HEAD + "  - id: maybe\n    email: a\n    if: traits.vip == true\n  - email: b"
    life = Life(text).event("0d", "Go").until("1d")
    assert life.timeline[:2] == [("0d", "skipped maybe: step_condition_false"), ("0d", "email b")]


def test_a_later_branch_sees_the_outcome_of_a_step() -> None:
    text = (
        HEAD
        + """
  - id: mail
    email: a
  - branch:
      - if: steps.mail.outcome == "skipped"
        then: [{task: Call}]
"""
    )
    life = Life(text, traits={"email": None}).event("0d", "Go").until("1d")
    assert life.timeline[:2] == [("0d", "skipped mail: missing_address"), ("0d", 'task "Call"')]


def test_exit_ends_the_enrollment_with_its_reason() -> None:
    life = Life(HEAD + "  - exit: enough\n  - email: never").event("0d", "Go").until("1d")
    assert life.timeline == [("0d", "ended enough")]


def test_a_task_that_is_not_waited_for_lets_the_enrollment_go_on() -> None:
    life = Life(HEAD + "  - task: Call\n  - email: next").event("0d", "Go").until("1d")
    assert life.timeline[:2] == [("0d", 'task "Call"'), ("0d", "email next")]


WAITED = (
    HEAD
    + """
  - id: call
    task: Call
    wait: true
    due: 2d
  - branch:
      - if: steps.call.outcome == "done"
        then: [{email: thanks}]
    else: [{email: sorry}]
"""
)


def test_a_waited_for_task_goes_on_when_it_is_done() -> None:
    life = Life(WAITED).event("0d", "Go")
    life.put("1d", lambda world: world.finish_task(after("1d"), "call", None)).until("5d")
    assert life.timeline[1] == ("1d", "email thanks")


def test_a_waited_for_task_that_is_late_goes_on_as_overdue() -> None:
    life = Life(WAITED).event("0d", "Go").until("5d")
    assert life.timeline[1] == ("2d", "email sorry")
    assert life.world.journal[-1].code == "completed"


def test_the_result_of_a_task_that_was_not_waited_for_is_seen_later() -> None:
    text = (
        HEAD
        + """
  - id: call
    task: Call
  - wait: 3d
  - branch:
      - if: steps.call.outcome == "done"
        then: [{email: thanks}]
    else: [{email: sorry}]
"""
    )
    life = Life(text).event("0d", "Go")
    life.put("1d", TaskEnded(at=after("1d"), key="c1/p.1/call/1", outcome="done")).until("5d")
    assert life.timeline[1] == ("3d", "email thanks")


def test_a_business_day_task_is_due_on_the_next_working_day() -> None:
    # START is a Monday; four days later is a Friday, and 1bd after it the Monday.
    life = Life(HEAD + "  - wait: 4d\n  - task: Call\n    due: 1bd\n    wait: true\n  - email: late").event("0d", "Go")
    life.until("9d")
    assert life.timeline[1] == ("7d", "email late")


def test_owner_mail_needs_no_topic_and_goes_to_the_accounts_owner() -> None:
    text = HEAD.replace("topic: tips\n", "") + "  - email: heads-up\n    to: owner"
    life = Life(text).account("0d", owner={"id": "sam", "email": "sam@example.com"}).event("1h", "Go").until("1d")
    assert life.timeline[0] == ("1h", "email heads-up to owner")


def test_owner_mail_without_an_owner_is_skipped() -> None:
    text = HEAD + "  - id: m\n    email: heads-up\n    to: owner"
    life = Life(text).event("1h", "Go").until("1d")
    assert life.timeline[0] == ("1h", "skipped m: no_recipient")


def test_a_failed_step_goes_on_unless_told_to_exit() -> None:
    for rule, expected in (("continue", "email b"), ("exit", "ended step_failed")):
        life = Life(HEAD + f"  - id: a\n    email: a\n    on_failure: {rule}\n  - email: b")
        life.world.outside.faults = [Fault(at=after("0d"), refuses=True, times=1)]
        life.event("0d", "Go").until("1d")
        assert life.timeline[2] == ("0d", expected)


def test_a_zone_nobody_knows_is_noted_and_the_workspaces_zone_counts() -> None:
    life = Life(HEAD + "  - wait: 1d\n  - email: a", traits={"timezone": "Mars/Olympus"}).event("0d", "Go").until("2d")
    assert [(entry.reason, entry.detail) for entry in life.journal if entry.act == "ignored"] == [
        ("unknown_zone", {"timezone": "Mars/Olympus"})
    ]
    assert life.timeline[0] == ("1d", "email a")


def test_what_was_true_in_one_round_is_asked_again_in_the_next() -> None:
    rounds = (
        "repeat: {every: 1d, times: 2, steps: [{wait_for: [{when: traits.x == 1}], up_to: 1h, else: [{email: none}]}]}"
    )
    text = f"playbook: p\ntopic: tips\nenter: {{on: [{{event: Go}}]}}\nsteps: [{{{rounds}}}]"
    life = Life(text, traits={"x": 1}).event("0d", "Go").traits("2h", x=0).until("9d")
    assert life.timeline == [("1d1h", "email none"), ("1d1h", "ended completed")]


def test_a_branch_tells_which_arm_it_took() -> None:
    arms = "branch: [{if: traits.x == 1, then: [{email: a}]}, {if: traits.x == 2, then: [{email: b}]}]"
    text = f"playbook: p\ntopic: tips\nenter: {{on: [{{event: Go}}]}}\nsteps: [{{id: way, {arms}}}, {{wait: 1d}}]"
    life = Life(text, traits={"x": 2}).event("0d", "Go").until("1h")
    assert life.enrollment.steps["way"] == {"outcome": "done", "arm": 2}
