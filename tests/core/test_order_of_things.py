"""What happens first: inputs of one instant, exits, goals, waits, entries (language, sections 4 to 6), told by its page alone."""

from __future__ import annotations

from perennia.core.advance import advance, new_customer
from perennia.core.decisions import CustomerEvent, TraitsChanged
from tests.support.lives import START, Life, after, catalog_of

TWO_MAILS = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
exit: [{event: Stop}]
steps:
  - email: a
  - email: b
"""
RESTART = """
playbook: p
topic: tips
enter: {on: [{event: E}], reenter: always}
exit: [{event: E, reason: again}]
steps:
  - wait: 10d
  - email: a
"""
RACE = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - email: a
  - wait_for: [{event: B, then: [{email: got}]}]
    since: step
    up_to: 1d
    else: [{email: missed}]
"""


def mails(life: Life) -> list[tuple[str, str]]:
    return [(at, what.removeprefix("email ")) for at, what in life.timeline if what.startswith("email")]


# --- one instant ----------------------------------------------------------------------------------------------------


def test_what_an_input_brings_about_is_done_before_the_next_input_of_the_instant() -> None:
    life = Life(TWO_MAILS).event("0d", "Go").event("0d", "Stop").until("1d")
    assert life.timeline == [("0d", "email a"), ("0d", "email b"), ("0d", "ended completed")]


def test_a_wait_hears_a_later_event_of_the_instant_at_which_it_began() -> None:
    assert mails(Life(RACE).event("0d", "Go").event("0d", "B").until("2d")) == [("0d", "a"), ("0d", "got")]


def test_an_event_at_the_time_limit_itself_is_in_time() -> None:
    assert mails(Life(RACE).event("0d", "Go").event("1d", "B").until("2d")) == [("0d", "a"), ("1d", "got")]


def test_inputs_of_one_instant_come_first_also_where_something_fell_due_before_it() -> None:
    text = RACE.replace("email: a", "wait: 1h").replace("email: got", "milestone: got")
    told = [
        CustomerEvent(at=START, seq=1, name="Go"),
        TraitsChanged(at=after("1d1h"), seq=2, traits={"x": 1}),
        CustomerEvent(at=after("1d1h"), seq=3, name="B"),
    ]
    decision = advance(catalog_of(text), new_customer("c1", "contact", "ana", START), after("2d"), told, {})
    assert decision.state.milestones == {"got": after("1d1h")}


def test_what_comes_of_a_suppression_at_the_time_limit_itself_is_in_time() -> None:
    text = """
playbook: writes
topic: tips
priority: 10
enter: {on: [{event: Go}]}
steps: [{email: a}, {emit: Told}]
---
playbook: waits
topic: tips
enter: {on: [{event: Go}]}
steps:
  - wait_for: [{event: Told, then: [{notify: told, text: x}]}]
    up_to: 1h
    else: [{notify: missed, text: x}]
"""
    life = Life(text, policies='quiet_hours: {window: "21:00-08:00"}').event("13h", "Go")
    life.put("14h", lambda world: world.suppress()).until("15h")
    assert [what for _, what in life.timeline if what.startswith("notify")] == ['notify told "x"']


def test_an_exit_at_the_end_of_a_wait_comes_first() -> None:
    text = TWO_MAILS.replace("  - email: b", "  - wait: 1d\n  - email: b")
    life = Life(text).event("0d", "Go").event("1d", "Stop").until("2d")
    assert life.timeline == [("0d", "email a"), ("1d", "ended exit_criteria")]


def test_an_exit_comes_before_a_goal_and_a_goal_before_a_condition() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
goal: {when: traits.g == 1}
exit: [{when: traits.g == 1 && traits.out == true, reason: out}]
steps:
  - wait_for: [{when: traits.g == 1, then: [{email: condition}]}]
    up_to: 1d
"""
    assert Life(text).event("0d", "Go").traits("1h", g=1, out=True).until("2d").timeline == [("1h", "ended out")]
    assert Life(text).event("0d", "Go").traits("1h", g=1).until("2d").timeline == [("1h", "ended goal")]


def test_higher_priority_goes_first_then_older_then_the_id() -> None:
    book = "playbook: {}\ntopic: tips\npriority: {}\nenter: {{on: [{{event: {}}}]}}\nsteps: [{{wait: {}}}, {{email: {}}}]\n"
    books = [
        book.format("a", 10, "E", "1d", "low"),
        book.format("b", 90, "E", "1d", "high"),
        book.format("z", 50, "E0", "1d1h", "older"),
        book.format("bb", 50, "E", "1d", "second"),
        book.format("aa", 50, "E", "1d", "first"),
    ]
    life = Life("---\n".join(books)).event("0d", "E0").event("1h", "E").until("3d")
    assert [what for _, what in mails(life)] == ["high", "older", "first", "second", "low"]


# --- entering -------------------------------------------------------------------------------------------------------


def test_an_event_that_ends_an_enrollment_may_start_the_next() -> None:
    life = Life(RESTART).event("0d", "E").event("1d", "E").until("20d")
    assert life.entries == ["0d", "1d"]
    assert life.timeline == [("1d", "ended again"), ("11d", "email a"), ("11d", "ended completed")]


def test_the_end_of_this_very_instant_counts_for_re_entry() -> None:
    text = RESTART.replace("always", "{after: 1d}")
    life = Life(text).event("0d", "E").event("1d", "E").event("2d", "E").until("3d")
    assert (life.entries, life.refusals) == (["0d", "2d"], [("1d", "reentry_blocked")])


def test_a_calendar_span_of_re_entry_is_the_same_time_of_day_over_a_clock_change() -> None:
    text = "playbook: p\ntopic: tips\nenter: {on: [{event: E}], reenter: {after: SPAN}}\nsteps: [{email: a}]\n"
    told = ("26d", "26d22h59m59s", "26d23h", "26d23h59m59s", "27d")
    for span, entries in (("1d", ["26d", "26d23h"]), ("24h", ["26d", "27d"])):
        life = Life(text.replace("SPAN", span)).traits("0d", timezone="Europe/Madrid")
        for at in told:
            life.event(at, "E")
        assert life.until("28d").entries == entries


def test_a_goal_is_true_until_its_span_is_over_and_refuses_until_then() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}], reenter: always}
goal: {when: 'happened("Done", "1d")'}
steps: [{wait: 1h}]
"""
    life = Life(text).event("0d", "Done").event("23h59m59s", "Go").event("1d", "Go").until("2d")
    assert (life.entries, life.refusals) == (["1d"], [("23h59m59s", "goal_reached")])


def test_an_edge_that_the_filter_refused_is_spent() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{when: traits.x == 1}], where: traits.ok == true}
steps: [{email: a}]
"""
    life = Life(text).traits("0d", x=1).traits("1h", ok=True).traits("2h", x=0).traits("3h", x=1).until("1d")
    assert (life.entries, life.refusals) == (["3h"], [("0d", "failed_entry_filter")])


def test_a_persons_hand_overrides_the_filter_and_not_what_is_over_already() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}], where: traits.x == 1}
goal: {when: traits.g == 1}
steps: [{email: a}]
"""
    life = Life(text).enroll("0d", "p").enroll("1h", "p").enroll("2h", "p", by_person=False)
    life.traits("3h", g=1).enroll("4h", "p").until("1d")
    assert life.entries == ["0d", "1h"]
    assert life.refusals == [("2h", "failed_entry_filter"), ("4h", "goal_reached")]


# --- waits ----------------------------------------------------------------------------------------------------------


def test_the_event_that_started_it_satisfies_no_wait_and_its_twin_does() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: A}]}
steps:
  - wait_for: [{event: A, then: [{email: second}]}]
    up_to: 1d
    else: [{email: none}]
"""
    assert mails(Life(text).event("0d", "A").until("2d")) == [("1d", "none")]
    assert mails(Life(text).event("0d", "A").event("0d", "A").until("2d")) == [("0d", "second")]


def test_of_conditions_that_are_met_already_the_first_of_the_list_decides() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - wait: 1d
  - wait_for: [{event: A, then: [{email: a}]}, {event: B, then: [{email: b}]}]
    up_to: 1d
  - wait_for: [{event: B, then: [{email: b-too}]}]
    up_to: 1d
"""
    life = Life(text).event("0d", "Go").event("1h", "B").event("2h", "A").until("3d")
    assert mails(life) == [("1d", "a"), ("1d", "b-too")]


def test_one_event_may_meet_several_conditions_of_one_wait_and_leaves_the_others_to_the_next() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - wait: 1d
  - wait_for: [{all: [{event: A, where: event.n > 1}, {event: A, where: event.m > 1}], then: [{email: both}]}]
    up_to: 1d
  - wait_for: [{event: A, then: [{email: rest}]}]
    up_to: 1d
    else: [{email: none}]
"""
    one = Life(text).event("0d", "Go").event("1h", "A", {"n": 2, "m": 2}).until("4d")
    assert mails(one) == [("1d", "both"), ("2d", "none")]
    two = Life(text).event("0d", "Go").event("1h", "A", {"n": 2, "m": 2}).event("2h", "A", {"n": 2, "m": 2}).until("4d")
    assert mails(two) == [("1d", "both"), ("1d", "rest")]


def test_since_step_leaves_earlier_events_to_other_waits() -> None:
    text = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - wait: 1d
  - wait_for: [{event: A, then: [{email: fresh}]}]
    since: step
    up_to: 1d
  - wait_for: [{event: A, then: [{email: of-before}]}]
    up_to: 1d
"""
    assert mails(Life(text).event("0d", "Go").event("1h", "A").until("4d")) == [("2d", "of-before")]
