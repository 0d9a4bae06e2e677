"""Waits until a time of day and until a told date (language, sections 2 and 5). START is Monday 2 March 2026, 09:00 UTC."""

from __future__ import annotations

from tests.support.lives import Life

BOOK = """
playbook: p
topic: tips
enter: {{on: [{{event: Go}}]}}
steps:
  - id: pause
    wait: {wait}
  - email: after
  - wait: 1h
  - email: later
"""
RENEWAL = "{until: traits.renewal}"


def life(wait: str, **traits: str) -> Life:
    return Life(BOOK.format(wait=wait), traits={**traits})


def mailed(life: Life) -> list[str]:
    return [at for at, what in life.timeline if what == "email after"]


# --- a time of day --------------------------------------------------------------------------------------------------


def test_the_first_such_time_not_before_now() -> None:
    assert mailed(life('{until: "09:00"}').event("1s", "Go").until("3d")) == ["1d"]


def test_now_is_not_before_now() -> None:
    assert mailed(life('{until: "09:00"}').event("1d", "Go").until("3d")) == ["1d"]


def test_the_next_span_counts_from_the_time_waited_for() -> None:
    found = life('{until: "09:00"}').event("1h", "Go").until("3d").timeline
    assert found[:2] == [("1d", "email after"), ("1d1h", "email later")]


def test_only_on_the_days_named() -> None:
    assert mailed(life('{until: "09:00", on: [thu, tue]}').event("1d1h", "Go").until("9d")) == ["3d"]


def test_thursday_five_oclock_in_tokyo_is_a_thursday_in_tokyo() -> None:
    # Wednesday 4 March, 20:00 UTC.
    found = life('{until: "05:00", on: [thu]}', timezone="Asia/Tokyo").event("0d", "Go").until("9d")
    assert mailed(found) == ["2d11h"]


def test_the_workspaces_clock_where_the_step_says_so() -> None:
    found = life('{until: "09:00", zone: workspace}', timezone="Asia/Tokyo").event("1h", "Go").until("3d")
    assert mailed(found) == ["1d"]


def test_a_time_that_the_clocks_skip_is_the_first_instant_after_the_gap() -> None:
    # Madrid, 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC.
    found = life('{until: "02:30", on: [sun]}', timezone="Europe/Madrid").event("24d", "Go").until("30d")
    assert mailed(found) == ["26d16h"]


def test_a_time_that_the_clocks_repeat_is_its_first_pass() -> None:
    # Madrid, 25 October 2026: the first 02:30 is 00:30 UTC. 24 October 09:00 UTC is 236 days after START.
    found = life('{until: "02:30"}', timezone="Europe/Madrid").event("236d", "Go").until("240d")
    assert mailed(found) == ["236d15h30m"]


def test_it_follows_a_customer_who_moves_west() -> None:
    # Set out for Tuesday 09:00 in Madrid (08:00 UTC); in New York that is 14:00 UTC.
    found = life('{until: "09:00"}', timezone="Europe/Madrid").event("0d", "Go")
    assert mailed(found.traits("10h", timezone="America/New_York").until("3d")) == ["1d5h"]


def test_it_follows_a_customer_who_moves_east_past_that_time() -> None:
    # At Tuesday 07:00 UTC, an hour before nine in Madrid, it is 16:00 in Tokyo: the next nine is Wednesday 00:00 UTC.
    found = life('{until: "09:00"}', timezone="Europe/Madrid").event("0d", "Go")
    assert mailed(found.traits("22h", timezone="Asia/Tokyo").until("3d")) == ["1d15h"]


def test_a_spread_puts_each_customer_at_an_offset_of_its_own() -> None:
    # The first 8 bytes of SHA-256("p:ana") / 2^64 are 0.1505..., times 3600 s.
    assert mailed(life('{until: "10:00", spread: 1h}').event("0d", "Go").until("3d")) == ["1h9m1s"]


def test_a_move_inside_the_spread_to_the_same_clock_changes_nothing() -> None:
    found = life('{until: "10:00", spread: 1h}', timezone="Europe/Madrid").event("1h", "Go")
    assert mailed(found.traits("1d5m", timezone="Europe/Paris").until("3d")) == ["1d9m1s"]


def test_the_customer_is_woken_for_it_once() -> None:
    found = life('{until: "09:00", on: [mon]}').event("1h", "Go").until("6d")
    assert found.enrollment.due is not None
    turns = found.world.turns
    found.until("6d23h")
    assert found.world.turns == turns + 1


# --- a date ---------------------------------------------------------------------------------------------------------


def test_a_date_without_a_time_is_midnight_where_the_customer_lives() -> None:
    found = life(RENEWAL, timezone="Asia/Tokyo", renewal="2026-03-05").event("0d", "Go").until("9d")
    assert mailed(found) == ["2d6h"]


def test_an_offset_leads_away_from_the_date() -> None:
    found = life("{until: traits.renewal, offset: -7d}", renewal="2026-03-20T12:00:00Z").event("0d", "Go").until("30d")
    assert mailed(found) == ["11d3h"]


def test_a_date_that_is_past_goes_on_at_once_and_counts_from_there() -> None:
    found = life(RENEWAL, renewal="2026-01-01").event("1h", "Go").until("9d").timeline
    assert found[:2] == [("1h", "email after"), ("2h", "email later")]


def test_it_moves_when_the_trait_moves() -> None:
    found = life(RENEWAL, renewal="2026-03-05T09:00:00Z").event("0d", "Go")
    assert mailed(found.traits("1d", renewal="2026-03-08T09:00:00Z").until("30d")) == ["6d"]


def test_a_trait_that_moves_into_the_past_goes_on_at_once() -> None:
    found = life(RENEWAL, renewal="2026-03-05T09:00:00Z").event("0d", "Go").traits("1d", renewal="2026-03-01")
    assert found.until("9d").timeline[:2] == [("1d", "email after"), ("1d1h", "email later")]


def test_it_follows_the_zone() -> None:
    found = life(RENEWAL, timezone="Europe/Madrid", renewal="2026-03-05").event("0d", "Go")
    assert mailed(found.traits("1d", timezone="America/New_York").until("9d")) == ["2d20h"]


def test_without_a_date_the_step_is_skipped() -> None:
    found = life(RENEWAL).event("1h", "Go").until("9d")
    assert found.timeline[:2] == [("1h", "skipped pause: missing_date"), ("1h", "email after")]


def test_what_is_no_date_is_a_missing_one_and_evidence_says_what_it_was() -> None:
    found = life(RENEWAL, renewal="soon").event("1h", "Go").until("9d")
    (skipped,) = [entry for entry in found.journal if entry.reason == "missing_date"]
    assert skipped.evidence[0].values == {"traits.renewal": "soon"}


def test_without_a_date_the_enrollment_ends_where_the_step_says_so() -> None:
    found = life("{until: traits.renewal, missing: exit}").event("1h", "Go").until("9d")
    assert found.timeline == [("1h", "skipped pause: missing_date"), ("1h", "ended missing_date")]


def test_a_date_that_is_taken_back_while_waiting_is_a_missing_one() -> None:
    found = life(RENEWAL, renewal="2026-03-05").event("0d", "Go").traits("1d", renewal=None).until("9d")
    assert found.timeline[:2] == [("1d", "skipped pause: missing_date"), ("1d", "email after")]


def test_a_date_given_at_entry() -> None:
    found = life("{until: enter.starts, offset: -1h}").event("0d", "Go", {"starts": "2026-03-03T09:00:00Z"})
    assert mailed(found.until("9d")) == ["23h"]


def test_what_can_move_it_is_watched() -> None:
    found = life(RENEWAL, renewal="2026-03-05").event("0d", "Go").until("1h")
    (watch,) = [each for key, each in found.enrollment.watches.items() if key == "pause.until"]
    assert watch.watching == ("trait:renewal", "trait:timezone")
