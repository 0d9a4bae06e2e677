"""Messages held by caps and quiet hours (language, section 8). START is Monday 2 March 2026, 09:00 UTC."""

from __future__ import annotations

from perennia.simulate.outside import Fault
from tests.support.lives import START, Life, after

BOOK = """
playbook: p-{mail}
topic: tips
priority: {priority}
enter: {{on: [{{event: {event}}}], reenter: always}}
while: traits.status != "gone"
exit: [{{when: traits.stop == true, reason: told}}]
steps:
  - id: first
    email: {mail}
    {keys}
  - wait: 1h
  - email: {mail}-later
    transactional: true
"""
ONE_A_DAY = "caps: [{messages: 1, per: 1d}]"
ONE_A_WEEK = "caps: [{messages: 1, per: 7d}]"
NIGHTS = 'quiet_hours: {window: "21:00-08:00"}'


def book(mail: str, event: str = "Go", priority: int = 50, keys: str = "") -> str:
    return BOOK.format(mail=mail, event=event, priority=priority, keys=keys)


def life(policies: str, *books: str, **traits: str) -> Life:
    return Life("---".join(books), policies=policies, traits={**traits})


def mails(life: Life) -> list[tuple[str, str]]:
    """Everything visible but the ends of enrollments and the second, transactional message."""
    found = [(at, what.removeprefix("email ")) for at, what in life.timeline if not what.startswith("ended")]
    return [(at, what) for at, what in found if not what.endswith("-later")]


def held(life: Life) -> list[tuple[str | None, str | None]]:
    return [(entry.playbook, entry.reason) for entry in life.journal if entry.act == "held"]


# --- quiet hours ----------------------------------------------------------------------------------------------------


def test_a_message_waits_for_the_end_of_the_quiet_hours_and_what_follows_counts_from_then() -> None:
    found = life(NIGHTS, book("m")).event("12h", "Go").until("3d")
    # Set out at 21:00; 23 hours after START it is 08:00.
    assert found.timeline[:2] == [("23h", "email m"), ("1d", "email m-later")]
    assert held(found) == [("p-m", "quiet_hours")]


def test_the_second_before_quiet_hours_is_no_quiet_one() -> None:
    assert mails(life(NIGHTS, book("m")).event("11h59m59s", "Go").until("1d")) == [("11h59m59s", "m")]


def test_quiet_hours_are_the_recipients() -> None:
    # Sao Paulo is three hours behind UTC: 08:00 there is 11:00 UTC.
    found = life(NIGHTS, book("m"), timezone="America/Sao_Paulo").event("1h", "Go").until("3d")
    assert mails(found) == [("2h", "m")]


def test_a_window_over_midnight_belongs_to_the_day_it_starts_on() -> None:
    weekend = 'quiet_hours: {window: "22:00-06:00", days: [fri, sat]}'
    # Sunday 8 March, 05:00 belongs to Saturday; Monday 05:00 to Sunday.
    found = life(weekend, book("m")).event("5d20h", "Go").event("6d20h", "Go").until("9d")
    assert mails(found) == [("5d21h", "m"), ("6d20h", "m")]


def test_a_customer_who_moves_takes_the_quiet_hours_along() -> None:
    # Held at 22:00 UTC until 08:00; at 23:00 UTC it is 15:00 in Los Angeles.
    found = life(NIGHTS, book("m")).event("13h", "Go").traits("14h", timezone="America/Los_Angeles").until("3d")
    assert mails(found) == [("14h", "m")]


def test_a_customer_who_moves_west_while_held_waits_for_the_new_morning() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").traits("22h", timezone="Atlantic/Azores").until("3d")
    # The Azores are an hour behind.
    assert mails(found) == [("1d", "m")]


def test_clocks_that_go_forward_end_the_quiet_hours_an_hour_earlier() -> None:
    # Madrid, 29 March 2026: 08:00 is 06:00 UTC; 28 March 23:00 UTC is 26d14h after START.
    found = life(NIGHTS, book("m"), timezone="Europe/Madrid").event("26d14h", "Go").until("30d")
    assert mails(found) == [("26d21h", "m")]


def test_on_quiet_skip_goes_on_without_the_message() -> None:
    found = life(NIGHTS, book("m", keys="on_quiet: skip")).event("13h", "Go").until("3d")
    assert found.timeline[:2] == [("13h", "skipped first: quiet_hours"), ("14h", "email m-later")]


def test_a_transactional_message_leaves_at_night() -> None:
    assert mails(life(NIGHTS, book("m", keys="transactional: true")).event("13h", "Go").until("3d")) == [("13h", "m")]


def test_mail_to_the_owner_leaves_at_night() -> None:
    found = Life(book("m", keys="to: owner"), policies=NIGHTS, traits={"owner": {"id": "sam", "email": "s@x.io"}})
    assert found.event("13h", "Go").until("3d").timeline[0] == ("13h", "email m to owner")


def test_what_is_held_when_its_time_is_up_expires() -> None:
    weekdays = 'quiet_hours: {window: "00:00-24:00", days: [tue, wed, thu]}'
    found = life(weekdays, book("m", keys="hold: 1d")).event("1d", "Go").until("5d")
    assert found.timeline[:2] == [("2d", "skipped first: expired"), ("2d1h", "email m-later")]


def test_quiet_hours_that_end_the_very_instant_its_time_is_up_let_it_go() -> None:
    found = life('quiet_hours: {window: "09:00-24:00", days: [mon]}', book("m", keys="hold: 15h"))
    assert mails(found.event("0d", "Go").until("5d")) == [("15h", "m")]


def test_exit_criteria_interrupt_a_hold_at_once() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").put("14h", lambda _: None)
    assert found.traits("15h", stop=True).until("3d").timeline == [("15h", "ended told")]


def test_while_is_looked_at_again_when_the_message_may_go() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").traits("14h", status="gone").until("3d")
    assert found.timeline == [("23h", "ended not_while")]


def test_an_unsubscription_interrupts_a_hold_at_once() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go")
    found.put("14h", lambda world: world.consent("tips", given=False))
    assert found.until("3d").timeline[0] == ("14h", "skipped first: unsubscribed_topic")


def test_a_suppression_interrupts_a_hold_at_once() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").put("14h", lambda world: world.suppress())
    assert found.until("3d").timeline[0] == ("14h", "skipped first: suppressed")


def test_a_lost_address_interrupts_a_hold_at_once() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").traits("14h", email=None)
    assert found.until("3d").timeline[0] == ("14h", "skipped first: missing_address")


def test_an_input_at_the_very_instant_comes_before_the_message() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").event("23h", "Other").traits("23h", stop=True)
    assert found.until("3d").timeline == [("23h", "ended told")]


def test_a_paused_hold_runs_on_and_its_message_leaves_when_the_pause_is_over() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").pause("14h", "p-m").resume("1d2h", "p-m")
    assert mails(found.until("5d")) == [("1d2h", "m")]


def test_a_hold_that_runs_out_in_a_pause_expires() -> None:
    found = life(NIGHTS, book("m", keys="hold: 12h")).event("13h", "Go").pause("14h", "p-m")
    assert found.until("5d").timeline[0] == ("1d1h", "skipped first: expired")


def test_a_person_can_skip_a_held_message() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").skip("14h", "p-m")
    assert found.until("5d").timeline[0] == ("14h", "skipped first: by_person")


# --- caps -----------------------------------------------------------------------------------------------------------


def test_a_full_cap_holds_until_the_place_is_free_to_the_second() -> None:
    found = life(ONE_A_DAY, book("m")).event("0d", "Go").event("2h", "Go").until("5d")
    assert mails(found) == [("0d", "m"), ("1d", "m")]
    assert held(found) == [("p-m", "frequency_cap")]


def test_days_of_a_cap_are_the_customers() -> None:
    # Madrid, in the night to 29 March 2026 an hour is missing: one day after Saturday 10:00 UTC is Sunday 09:00 UTC.
    found = life(ONE_A_DAY, book("m"), timezone="Europe/Madrid").event("26d1h", "Go").event("26d5h", "Go").until("30d")
    assert mails(found) == [("26d1h", "m"), ("27d", "m")]


def test_a_place_that_frees_at_the_very_instant_the_hold_runs_out_still_counts() -> None:
    found = life("caps: [{messages: 1, per: 2d}]", book("a"), book("b")).event("0d", "Go").until("5d")
    assert mails(found) == [("0d", "a"), ("2d", "b")]


def test_a_hold_that_runs_out_first_expires() -> None:
    found = life(ONE_A_WEEK, book("a"), book("b")).event("0d", "Go").until("9d")
    assert mails(found) == [("0d", "a"), ("2d", "skipped first: expired")]


def test_on_cap_skip_goes_on_without_the_message() -> None:
    found = life(ONE_A_WEEK, book("a"), book("b", keys="on_cap: skip")).event("0d", "Go").until("9d")
    assert mails(found) == [("0d", "a"), ("0d", "skipped first: frequency_cap")]


def test_at_one_instant_the_higher_priority_goes_whichever_playbook_comes_first() -> None:
    # The playbook of `b` comes first in the round, the message of `a` has the higher priority.
    books = (book("a", priority=40, keys="priority: 90"), book("b", priority=60, keys="on_cap: skip"))
    found = life(ONE_A_WEEK, *books).event("0d", "Go").until("1d")
    assert mails(found) == [("0d", "a"), ("0d", "skipped first: frequency_cap")]


def test_making_room_undoes_no_other_release_of_the_instant() -> None:
    books = (
        book("t", priority=90, keys="transactional: true"),
        book("b", priority=60),
        book("a", priority=40, keys="priority: 90"),
    )
    found = life(ONE_A_DAY, *books).event("0d", "Go").until("2d")
    assert mails(found) == [("0d", "t"), ("0d", "a"), ("1d", "b")]


def test_the_one_that_yields_at_one_instant_is_held_as_if_it_had_come_second() -> None:
    books = (book("a", priority=40, keys="priority: 90"), book("b", priority=60))
    found = life(ONE_A_DAY, *books).event("0d", "Go").until("2d")
    assert mails(found) == [("0d", "a"), ("1d", "b")]
    assert held(found) == [("p-b", "frequency_cap")]


def test_a_place_that_frees_goes_to_the_highest_priority_and_then_to_who_waits_longest() -> None:
    policies = "caps: [{messages: 1, per: 6h}]"
    books = (
        book("x", "Go"),
        book("low", "Low", 20),
        book("later", "Later", 50),
        book("early", "Early", 50),
        book("high", "High", 90),
    )
    found = life(policies, *books).event("0d", "Go").event("1h", "Low").event("2h", "Early").event("3h", "Later")
    found.event("4h", "High").until("3d")
    assert mails(found) == [("0d", "x"), ("6h", "high"), ("12h", "early"), ("18h", "later"), ("1d", "low")]


def test_transactional_and_internal_mail_neither_count_nor_wait() -> None:
    books = (book("t", keys="transactional: true"), book("m"), book("u", keys="transactional: true"))
    assert mails(life(ONE_A_WEEK, *books).event("0d", "Go").until("1d")) == [("0d", "m"), ("0d", "t"), ("0d", "u")]


def test_a_cap_on_other_topics_is_none() -> None:
    found = life("caps: [{messages: 1, per: 7d, topics: [news]}]", book("a"), book("b")).event("0d", "Go").until("1d")
    assert mails(found) == [("0d", "a"), ("0d", "b")]


def test_of_several_caps_each_must_have_a_place() -> None:
    policies = "caps: [{messages: 2, per: 7d}, {messages: 1, per: 3h, topics: [tips]}]"
    found = life(policies, book("a"), book("b"), book("c", keys="hold: 10d")).event("0d", "Go").until("9d")
    assert mails(found) == [("0d", "a"), ("3h", "b"), ("7d", "c")]


def test_after_the_cap_the_quiet_hours() -> None:
    found = life(f"{NIGHTS}\ncaps: [{{messages: 1, per: 14h}}]", book("a"), book("b")).event("0d", "Go").until("3d")
    # The place is free at 23:00, the night is over at 08:00.
    assert mails(found) == [("0d", "a"), ("23h", "b")]


def test_a_message_that_the_provider_refuses_gives_its_place_back() -> None:
    found = life(ONE_A_WEEK, book("a", priority=90), book("b"))
    found.world.outside.faults = [_refused()]
    assert mails(found.event("0d", "Go").until("1d")) == [
        ("0d", "a"),
        ("0d", "skipped first: provider_refused"),
        ("0d", "b"),
    ]


def test_a_message_that_has_not_left_yields_its_place_to_a_higher_priority() -> None:
    found = life(ONE_A_DAY, book("low", "Low", 20), book("high", "High", 90))
    found.world.outside.faults = [_failing(times=3)]
    found.event("0d", "Low").event("2s", "High").until("3d")
    assert mails(found) == [("0d", "low"), ("2s", "high"), ("1d2s", "low")]
    assert held(found) == [("p-low", "lower_priority")]


def test_a_message_that_has_left_stays_out() -> None:
    found = life(ONE_A_DAY, book("low", "Low", 20), book("high", "High", 90)).event("0d", "Low").event("2s", "High")
    assert mails(found.until("3d")) == [("0d", "low"), ("1d", "high")]


def test_a_message_that_leaves_late_counts_from_when_it_left() -> None:
    found = life(ONE_A_DAY, book("a"), book("b", "Other"))
    found.world.outside.faults = [_failing(times=7)]
    # 1 + 2 + ... + 64 seconds: it leaves 2m7s late.
    assert mails(found.event("0d", "Go").event("1h", "Other").until("3d")) == [("0d", "a"), ("1d2m7s", "b")]


def test_a_message_that_comes_late_into_quiet_hours_is_held_like_any_other() -> None:
    found = life(NIGHTS, book("m"))
    found.world.outside.faults = [_failing(times=7)]
    found.event("11h59m", "Go").until("3d")
    assert mails(found) == [("11h59m", "m"), ("23h", "m")]


def test_a_message_that_comes_late_into_quiet_hours_is_left_out_where_its_step_says_so() -> None:
    found = life(NIGHTS, book("m", keys="on_quiet: skip"))
    found.world.outside.faults = [_failing(times=7)]
    found.event("11h59m", "Go").until("3d")
    assert [what for _, what in found.timeline] == [
        *("email m", "skipped first: quiet_hours", "email m-later", "ended completed"),
    ]


def test_a_held_customer_sleeps_until_the_message_may_go() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").until("14h")
    assert found.enrollment.due == after("23h")


def test_a_held_message_of_a_step_after_one_that_expired_has_a_hold_of_its_own() -> None:
    weekdays = 'quiet_hours: {window: "00:00-24:00", days: [tue, wed, thu]}'
    text = "playbook: p\ntopic: tips\nenter: {on: [{event: Go}]}\nsteps: [{email: a, hold: 1d}, {email: b, hold: 1d}]"
    found = Life(text, policies=weekdays).event("1d", "Go").until("5d")
    assert found.timeline[:2] == [("2d", "skipped email-1: expired"), ("3d", "skipped email-2: expired")]


def test_permission_address_and_zone_are_watched_while_a_message_is_held() -> None:
    found = life(NIGHTS, book("m")).event("13h", "Go").until("14h")
    assert found.enrollment.watches["first.held"].watching == ("permission", "trait:email", "trait:timezone")


def _refused() -> Fault:
    return Fault(START, refuses=True, times=1)


def _failing(times: int) -> Fault:
    return Fault(START, refuses=False, times=times)
