"""Versions and people in flight (language, section 9): who stays, who goes on in the new version, who is ended."""

from __future__ import annotations

import pytest

from perennia.core.advance import new_customer
from perennia.core.decisions import TraitsChanged
from perennia.simulate.outside import Fault
from tests.support.lives import START, Life, after

HEAD = "playbook: p\ntopic: tips\nenter: {on: [{event: Go}]}\n"


def book(steps: str, head: str = HEAD) -> str:
    return f"{head}steps:\n" + "".join(f"  - {step}\n" for step in steps.splitlines() if step)


FIRST = book("{id: hello, email: hello}\n{id: pause, wait: 5d}\n{id: tip, email: tip}")


def fault(at: str, times: int) -> Fault:
    return Fault(after(at), refuses=False, times=times)


def life(text: str = FIRST) -> Life:
    return Life(text).event("0d", "Go")


def test_an_enrollment_keeps_the_version_it_began_with() -> None:
    later = book("{id: hello, email: hello}\n{id: pause, wait: 1d}\n{id: tip, email: other}")
    ana = life().publish("2d", later).until("20d")
    assert ana.timeline == [("0d", "email hello"), ("5d", "email tip"), ("5d", "ended completed")]


def test_who_enters_after_the_publish_begins_with_the_new_version() -> None:
    later = book("{id: hello, email: new}")
    ana = Life(FIRST).publish("2d", later).event("3d", "Go").until("20d")
    assert ana.timeline == [("3d", "email new"), ("3d", "ended completed")]


def test_migrate_goes_on_from_the_same_step_in_the_new_version() -> None:
    later = book("{id: news, email: news}\n{id: pause, wait: 5d}\n{id: tip, email: better}\n{id: more, email: more}")
    ana = life().publish("2d", later, "migrate").until("20d")
    assert ana.timeline == [
        *(("0d", "email hello"), ("5d", "email better"), ("5d", "email more"), ("5d", "ended completed")),
    ]


def test_a_changed_wait_is_timed_from_the_beginning_of_the_step() -> None:
    later = FIRST.replace("5d", "8d")
    assert life().publish("2d", later, "migrate").until("20d").timeline[1] == ("8d", "email tip")


def test_a_shortened_wait_that_is_past_goes_on_at_the_publish() -> None:
    later = FIRST.replace("5d", "1d") + "  - {wait: 2d}\n  - {email: last}\n"
    ana = life().publish("3d", later, "migrate").until("20d")
    assert ana.timeline[1:3] == [("3d", "email tip"), ("5d", "email last")]


def test_a_shortened_wait_that_is_not_past_ends_at_its_new_time() -> None:
    assert life().publish("2d", FIRST.replace("5d", "4d"), "migrate").until("20d").timeline[1] == ("4d", "email tip")


def test_a_publish_comes_before_what_falls_due_at_its_instant() -> None:
    later = FIRST.replace("email: tip", "email: better")
    assert life().publish("5d", later, "migrate").until("20d").timeline[1] == ("5d", "email better")


def test_who_stands_at_a_removed_step_goes_where_the_map_says() -> None:
    later = book("{id: hello, email: hello}\n{id: rest, wait: 7d}\n{id: tip, email: tip}")
    ana = life().publish("2d", later, "migrate", {"pause": "rest"}).until("20d")
    assert ana.timeline[1] == ("7d", "email tip")


def test_a_migration_is_noted_with_what_it_led_from() -> None:
    later = book("{id: hello, email: hello}\n{id: rest, wait: 7d}\n{id: tip, email: tip}")
    ana = life()
    before = ana.until("1d").enrollment.version
    ana.publish("2d", later, "migrate", {"pause": "rest"}).until("3d")
    (noted,) = [each for each in ana.journal if each.act == "migrated"]
    assert (noted.at, noted.step, noted.detail) == (after("2d"), "rest", {"from": before, "from_step": "pause"})


def test_the_map_may_lead_to_a_step_that_acts_at_once() -> None:
    later = book("{id: hello, email: hello}\n{id: sorry, email: sorry}\n{id: tip, email: tip}")
    ana = life().publish("2d", later, "migrate", {"pause": "sorry"}).until("20d")
    assert ana.timeline[1:3] == [("2d", "email sorry"), ("2d", "email tip")]


def test_who_stands_at_a_removed_step_without_a_map_ends() -> None:
    later = book("{id: hello, email: hello}\n{id: tip, email: tip}")
    assert life().publish("2d", later, "migrate").until("20d").timeline[1:] == [("2d", "ended version_migrated")]


def test_the_result_of_a_step_goes_with_its_new_name() -> None:
    later = book("{id: hi, email: hello}\n{id: pause, wait: 5d}\n{id: tip, email: tip, if: steps.hi.outcome == 'sent'}")
    assert life().publish("2d", later, "migrate", {"hello": "hi"}).until("20d").timeline[1] == ("5d", "email tip")


def test_the_result_of_a_step_stays_under_its_name_where_that_is_kept() -> None:
    later = book(
        "{id: hello, email: hello}\n{id: pause, wait: 5d}\n{id: tip, email: tip, if: steps.hello.outcome == 'sent'}"
    )
    assert life().publish("2d", later, "migrate", {"old": "tip"}).until("20d").timeline[1] == ("5d", "email tip")


def test_exit_ends_everybody_in_a_former_version() -> None:
    ana = life().publish("2d", FIRST.replace("tip}", "other}"), "exit").until("20d")
    assert ana.timeline[1:] == [("2d", "ended version_migrated")]


def test_a_step_with_the_same_id_and_another_verb_is_begun() -> None:
    later = book("{id: hello, email: hello}\n{id: pause, task: Call}\n{id: tip, email: tip}")
    assert life().publish("2d", later, "migrate").until("20d").timeline[1:3] == [
        *(("2d", 'task "Call"'), ("2d", "email tip")),
    ]


def test_a_new_goal_that_holds_already_ends_the_enrollment_at_the_publish() -> None:
    ana = life().event("1d", "Done").publish("2d", FIRST + 'goal: {when: happened("Done")}\n', "migrate").until("20d")
    assert ana.timeline[1:] == [("2d", "ended goal")]


def test_a_changed_segment_holds_for_people_in_former_versions() -> None:
    segment = "segment: s\nwhen: traits.plan == '{}'\n---\n"
    guarded = FIRST + "exit: [{when: in_segment('s'), reason: told}]\n"
    ana = Life(segment.format("free") + guarded, traits={"plan": "pro"}).event("0d", "Go")
    assert ana.publish("2d", segment.format("pro")).until("20d").timeline[1:] == [("2d", "ended told")]


RACE = book(
    """{id: race, wait_for: [{event: A, then: [{id: yes, email: yes}]}], up_to: 10d, else: [{id: no, email: no}]}"""
)


def test_a_changed_time_limit_counts_from_the_beginning_of_the_step() -> None:
    assert life(RACE).publish("2d", RACE.replace("10d", "4d"), "migrate").until("20d").timeline[0] == ("4d", "email no")


def test_a_time_limit_that_is_past_ends_the_wait_at_the_publish() -> None:
    assert life(RACE).publish("2d", RACE.replace("10d", "1d"), "migrate").until("20d").timeline[0] == ("2d", "email no")


def test_events_since_entry_count_for_the_same_condition_of_the_new_version() -> None:
    waits = "{id: w, wait: 5d}\n{id: r, wait_for: [{event: A, then: [{id: yes, email: yes}]}], up_to: 5d}"
    moved = waits.replace("[{event: A", "[{event: B, then: [{email: b}]}, {event: A")
    ana = life(book(waits)).event("1d", "A").publish("2d", book(moved), "migrate").until("20d")
    assert ana.timeline[0] == ("5d", "email yes")


def test_all_of_several_events_keeps_what_has_latched() -> None:
    both = book("{id: r, wait_for: [{all: [{event: A}, {event: B}], then: [{id: yes, email: yes}]}], up_to: 9d}")
    ana = life(both).event("1d", "A").publish("2d", both.replace("9d", "8d"), "migrate").event("3d", "B").until("20d")
    assert ana.timeline[0] == ("3d", "email yes")


def test_what_has_latched_since_the_step_began_is_kept_for_it_alone() -> None:
    pair = "wait_for: [{all: [{event: A}, {event: B}], then: [{id: yes, email: yes}]}], since: step, up_to: 9d"
    here = book(f"{{id: r, {pair}}}")
    ana = life(here).event("1d", "A").publish("2d", here.replace("9d", "8d"), "migrate").event("3d", "B").until("20d")
    assert ana.timeline[0] == ("3d", "email yes")
    there = book("{id: r, wait: 5d}\n{id: r2, wait_for: [{event: A}], since: step, up_to: 1d, else: [{email: none}]}")
    bob = life(here).event("1d", "A").publish("2d", there, "migrate").until("20d")
    assert bob.timeline[0] == ("6d", "email none")


def test_a_wait_until_a_time_of_day_is_aimed_anew_from_its_beginning() -> None:
    first = book("{id: w, wait: {until: '18:00'}}\n{id: tip, email: tip}")
    past = life(first).publish("2h", first.replace("18:00", "10:00"), "migrate").until("3d")
    assert past.timeline[0] == ("2h", "email tip")
    later = life(first).publish("2h", first.replace("18:00", "15:00"), "migrate").until("3d")
    assert later.timeline[0] == ("6h", "email tip")


def test_a_wait_until_a_date_takes_the_offset_of_the_new_version_and_still_moves() -> None:
    first = book("{id: w, wait: {until: traits.renewal, offset: -1d}}\n{id: tip, email: tip}")
    ana = Life(first, traits={"renewal": "2026-03-20T09:00:00Z"}).event("0d", "Go")
    ana.publish("2d", first.replace("-1d", "-2d"), "migrate").traits("3d", renewal="2026-03-12T09:00:00Z").until("20d")
    assert ana.timeline[0] == ("8d", "email tip")


ROUNDS = book("{id: r, repeat: {every: 3d, times: 4, steps: [{id: w, wait: 1d}, {id: tip, email: tip}]}}")


def test_the_next_round_comes_at_its_new_time() -> None:
    ana = life(ROUNDS).publish("2d", ROUNDS.replace("every: 3d", "every: 5d"), "migrate").until("30d")
    assert [at for at, _ in ana.timeline] == ["1d", "6d", "11d", "16d", "16d"]


def test_fewer_rounds_than_there_were_end_the_repeat_at_the_publish() -> None:
    ana = life(ROUNDS).publish("5d", ROUNDS.replace("times: 4", "times: 2"), "migrate").until("30d")
    assert ana.timeline == [("1d", "email tip"), ("4d", "email tip"), ("5d", "ended completed")]


def test_what_follows_rounds_that_a_publish_ends_counts_from_the_publish() -> None:
    later = book("{id: r, repeat: {every: 3d, times: 1, steps: [{id: w, wait: 1d}, {id: tip, email: tip}]}}")
    ana = life(ROUNDS).publish("2d", later + "  - {wait: 1d}\n  - {email: last}\n", "migrate").until("30d")
    assert ana.timeline[1] == ("3d", "email last")


def test_who_is_in_a_round_stays_in_it() -> None:
    later = ROUNDS.replace("times: 4", "times: 2").replace("wait: 1d", "wait: 2d")
    ana = life(ROUNDS).publish("3d12h", later, "migrate").until("30d")
    assert ana.timeline == [("1d", "email tip"), ("5d", "email tip"), ("5d", "ended completed")]


def test_a_step_that_comes_to_lie_in_a_repeat_is_in_its_first_round() -> None:
    first = book("{id: w, wait: 1d}\n{id: tip, email: tip}")
    ana = life(first).publish("12h", ROUNDS.replace("times: 4", "times: 2"), "migrate").until("30d")
    assert ana.timeline == [("1d", "email tip"), ("4d", "email tip"), ("4d", "ended completed")]


def test_a_step_that_moves_into_a_branch_is_the_same_step() -> None:
    later = book(
        "{branch: [{if: 'true', then: [{id: pause, wait: 6d}, {id: vip, email: vip}]}]}\n{id: tip, email: tip}"
    )
    ana = life().publish("2d", later, "migrate").until("20d")
    assert ana.timeline[1:3] == [("6d", "email vip"), ("6d", "email tip")]


TASK = book("{id: call, task: Call, wait: true, due: 5d}\n{id: tip, email: tip, if: steps.call.outcome == 'overdue'}")


def test_a_task_is_late_at_its_new_time() -> None:
    assert life(TASK).publish("2d", TASK.replace("5d", "3d"), "migrate").until("20d").timeline[1] == ("3d", "email tip")


def test_a_task_that_is_not_waited_for_any_more_lets_go() -> None:
    later = book("{id: call, task: Call}\n{id: tip, email: tip}")
    assert life(TASK).publish("2d", later, "migrate").until("20d").timeline[1] == ("2d", "email tip")


def test_a_task_that_a_pause_keeps_is_opened_when_that_is_over_also_after_a_publish() -> None:
    first = book("{id: w, wait: 1d}\n{id: call, task: Call}\n{id: tip, email: tip}")
    ana = life(first).pause("1h", "p").publish("2d", first.replace("tip}", "other}"), "migrate").resume("3d", "p")
    assert ana.until("9d").timeline[:2] == [("3d", 'task "Call"'), ("3d", "email other")]


def test_a_task_that_was_renamed_can_still_be_done() -> None:
    later = book("{id: ring, task: Call, wait: true}\n{id: tip, email: tip}")
    ana = life(TASK).publish("2d", later, "migrate", {"call": "ring"})
    ana.put("3d", lambda world: world.finish_task(world.state.now, "call", None)).until("20d")
    assert ana.timeline[1][1] == "email tip"


ASK = "survey: nps\nkind: nps\nquestion: How likely?\n---\n" + book(
    "{id: ask, survey: nps, wait: 9d, remind: [5d, 7d]}\n{wait: 1d}\n{id: tip, email: tip}"
)


def asking(wait: str, remind: str) -> str:
    return ASK.replace("9d", wait).replace("5d, 7d", remind)


def test_the_wait_for_a_response_is_retimed_from_the_release_of_the_survey() -> None:
    shorter = life(ASK).publish("2d", asking("4d", "3d"), "migrate").until("20d")
    assert shorter.timeline[1:3] == [("3d", "survey nps"), ("5d", "email tip")]
    longer = life(ASK).publish("2d", asking("12d", "8d"), "migrate").until("20d")
    assert longer.timeline[1:3] == [("8d", "survey nps"), ("13d", "email tip")]


def test_a_wait_for_a_response_that_is_past_is_over_at_the_publish_and_spans_count_from_there() -> None:
    ana = life(ASK).publish("4d", asking("3d", "2d"), "migrate").until("20d")
    assert ana.timeline[1] == ("5d", "email tip")


def test_an_answer_at_the_instant_of_such_a_publish_counts() -> None:
    later = asking("3d", "2d").replace("{wait: 1d}", "{id: thanks, email: thanks, if: steps.ask.answered}")
    ana = life(ASK).publish("4d", later, "migrate").answer("4d", "nps", 9).until("20d")
    assert ana.timeline[1] == ("4d", "email thanks")


def test_of_reminders_that_are_past_one_leaves_at_the_publish() -> None:
    ana = life(ASK).publish("4d", asking("9d", "1d, 2d, 6d"), "migrate").until("8d")
    assert ana.timeline[1:] == [("4d", "survey nps"), ("6d", "survey nps")]


def test_reminders_that_have_left_are_not_sent_again() -> None:
    ana = life(ASK).publish("6d", asking("9d", "5d, 8d"), "migrate").until("20d")
    assert [at for at, what in ana.timeline if what == "survey nps"] == ["0d", "5d", "8d"]


def test_who_is_not_waited_for_any_more_goes_on_at_the_publish() -> None:
    ana = life(ASK).publish("4d", ASK.replace("wait: 9d, remind: [5d, 7d]", "wait: 0"), "migrate").until("20d")
    assert ana.timeline[1:] == [("5d", "email tip"), ("5d", "ended completed")]


def test_who_is_not_waited_for_any_more_has_not_answered() -> None:
    later = ASK.replace("wait: 9d, remind: [5d, 7d]", "wait: 0").replace("tip}", "tip, if: steps.ask.answered}")
    ana = life(ASK).publish("4d", later, "migrate").until("20d")
    assert ana.timeline[1] == ("5d", "skipped tip: step_condition_false")


def test_a_reminder_that_is_held_is_held_as_long_as_the_new_version_says() -> None:
    midweek = 'quiet_hours: {window: "00:00-24:00", days: [tue, wed]}\n'
    ask = asking("9d", "1d").replace("survey: nps, wait", "survey: nps, hold: 12h, wait")
    ana = Life(ask, policies=midweek).event("0d", "Go").publish("25h", ask.replace("12h", "5d"), "migrate").until("8d")
    assert ana.timeline[1] == ("2d15h", "survey nps")


def test_a_child_of_a_migrated_parent_still_brings_it_on() -> None:
    child = "playbook: c\ntopic: tips\nsteps: [{wait: 4d}]\n---\n"
    first = book("{id: c, enroll: c, wait: true}\n{id: tip, email: tip}")
    ana = life(child + first).publish("2d", first.replace("email: tip", "email: better"), "migrate").until("20d")
    assert ("4d", "email better") in ana.timeline


def test_a_message_on_its_way_is_not_sent_twice_where_its_step_was_renamed() -> None:
    first = book("{id: tip, email: tip}\n{id: w, wait: 1d}\n{id: last, email: last}")
    ana = life(first)
    ana.world.outside.faults.append(fault("0d", times=2))
    later = book("{id: hint, email: hint}\n{id: w, wait: 2d}\n{id: last, email: last}")
    ana.publish("2s", later, "migrate", {"tip": "hint"}).until("20d")
    assert ana.timeline[:2] == [("0d", "email tip"), ("2d", "email last")]


def test_who_is_held_out_stays_so_for_the_span_of_the_new_version() -> None:
    held = HEAD.replace("enter: {", "enter: {holdout: 100%, ") + "goal: {when: 'false', within: 9d}\n"
    ana = life(book("{id: tip, email: tip}", held))
    ana.publish("2d", book("{id: tip, email: tip}", held.replace("9d", "4d")), "migrate").until("20d")
    assert ana.timeline == [("4d", "ended completed")]


def test_two_publishes_that_nobody_was_awake_for_are_gone_through_one_after_the_other() -> None:
    second = book("{id: hello, email: hello}\n{id: rest, wait: 9d}\n{id: tip, email: tip}")
    third = second.replace("rest", "nap").replace("9d", "7d")
    ana = life()
    ana.publish("2d", second, "migrate", {"pause": "rest"}).publish("3d", third, "migrate", {"rest": "nap"})
    assert ana.until("20d").timeline[1] == ("7d", "email tip")


# --- pausing a playbook as a whole ----------------------------------------------------------------------------------


def test_a_paused_playbook_lets_nobody_in() -> None:
    ana = Life(FIRST).for_all("1d", "pause", "p").event("2d", "Go").until("20d")
    assert ana.refusals == [("2d", "playbook_paused")]


def test_what_falls_due_while_the_playbook_is_paused_leaves_when_it_is_resumed() -> None:
    ana = life().for_all("2d", "pause", "p").for_all("9d", "resume", "p").until("20d")
    assert ana.timeline == [("0d", "email hello"), ("9d", "email tip"), ("9d", "ended completed")]


def test_what_fell_due_while_the_playbook_was_paused_is_skipped_where_the_person_chose_so() -> None:
    ana = life().for_all("2d", "pause", "p").for_all("9d", "skip", "p").until("20d")
    assert ana.timeline[1:] == [("9d", "skipped tip: playbook_paused"), ("9d", "ended completed")]


def test_timers_of_a_paused_playbook_run_on() -> None:
    ana = life().for_all("2d", "pause", "p").for_all("4d", "resume", "p").until("20d")
    assert ana.timeline[1] == ("5d", "email tip")


def test_a_goal_ends_an_enrollment_of_a_paused_playbook() -> None:
    ana = life(FIRST + 'goal: {when: happened("Done")}\n').for_all("2d", "pause", "p").event("6d", "Done").until("20d")
    assert ana.timeline[1:] == [("6d", "ended goal")]


def test_who_was_paused_by_hand_stays_so_when_the_playbook_is_resumed() -> None:
    ana = (
        life().pause("1d", "p").for_all("2d", "pause", "p").for_all("9d", "resume", "p").resume("12d", "p").until("20d")
    )
    assert ana.timeline[1] == ("12d", "email tip")


def test_resuming_one_enrollment_does_not_let_it_out_of_a_paused_playbook() -> None:
    ana = (
        life().pause("1d", "p").for_all("2d", "pause", "p").resume("7d", "p").for_all("9d", "resume", "p").until("20d")
    )
    assert ana.timeline[1] == ("9d", "email tip")


def test_a_message_that_was_released_before_the_pause_is_held_too() -> None:
    ana = life()
    ana.world.outside.faults.append(fault("0d", times=1))
    ana.for_all("1s", "pause", "p").for_all("6d", "resume", "p").until("20d")
    assert ana.timeline == [("0d", "email hello"), ("6d", "email tip"), ("6d", "ended completed")]
    sent = [each.at for each in ana.journal if each.code == "sent"]
    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_who_is_in_the_version_already_is_not_moved_to_it() -> None:
    later = book("{id: hello, email: hello}\n{id: pause, wait: 1d}\n{id: tip, email: other}")
    ana = life().publish("1d", later).publish("2d", FIRST, "migrate").until("20d")
    assert [each for each in ana.journal if each.act == "migrated"] == []


def test_who_waits_while_the_playbook_is_paused_waits_on_whatever_is_skipped_after_it() -> None:
    ana = life().for_all("1d", "pause", "p").for_all("2d", "skip", "p").until("20d")
    assert ana.timeline == [("0d", "email hello"), ("5d", "email tip"), ("5d", "ended completed")]
    assert [each for each in ana.journal if each.act == "order"] == []


@pytest.mark.parametrize("word", ["pause", "resume", "skip"])
def test_orders_for_a_playbook_touch_nobody_in_another(word: str) -> None:
    other = FIRST.replace("playbook: p", "playbook: q").replace("event: Go", "event: No")
    ana = life(FIRST + "---\n" + other).for_all("2d", "pause", "q")
    if word != "pause":
        ana.for_all("3d", "resume" if word == "resume" else "skip", "q")
    assert ana.until("20d").timeline[1] == ("5d", "email tip")


QUIET = 'quiet_hours: {window: "21:00-08:00"}\n'


def test_a_held_message_leaves_at_once_where_the_new_version_lets_it() -> None:
    held = book("{id: tip, email: tip, hold: 3d}")
    ana = Life(held, policies=QUIET).event("13h", "Go")
    ana.publish("14h", held.replace("hold: 3d", "transactional: true"), "migrate").until("3d")
    assert ana.timeline[0] == ("14h", "email tip")


def test_a_held_message_expires_by_the_span_of_the_new_version() -> None:
    held = book("{id: tip, email: tip, hold: 3d}")
    ana = Life(held, policies=QUIET).event("13h", "Go").publish("14h", held.replace("3d", "2h"), "migrate").until("3d")
    assert ana.timeline[0] == ("15h", "skipped tip: expired")


def test_a_message_held_by_quiet_hours_waits_for_its_paused_playbook() -> None:
    ana = Life(book("{id: tip, email: tip}"), policies=QUIET).event("13h", "Go")
    ana.for_all("14h", "pause", "p").for_all("1d6h", "resume", "p").until("3d")
    assert ana.timeline[0] == ("1d6h", "email tip")


def test_a_step_that_says_something_else_now_takes_back_what_contacts_were_to_be_sent() -> None:
    head = HEAD.replace("topic", "scope: account\ntopic")
    acme = Life(book("{id: hello, email: hello, to: all}\n{id: tip, task: Call}", head), kind="account")
    acme.world.settle(new_customer("c2", "contact", "bo", START), ())
    acme.world.at(START, TraitsChanged(at=START, traits={"email": "bo@example.com"}), "c2")
    acme.world.outside.faults = [fault("0d", 2)]  # so it would leave at the third second
    later = book("{id: hello, wait: 1d}\n{id: tip, task: Call}", head)
    acme.event("0d", "Go").publish("2s", later, "migrate").until("20d")
    assert not [entry for _, entry in acme.world.chronicle if entry.code == "sent"]
