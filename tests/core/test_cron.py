"""Schedules: which instants five fields name, also where clocks change (language, section 4)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from perennia.core.cron import CronError, parse_cron

BERLIN = ZoneInfo("Europe/Berlin")


def instants(text: str, start: str, number: int, zone: str = "UTC") -> list[str]:
    found: list[str] = []
    earliest = datetime.fromisoformat(start).replace(tzinfo=UTC)
    for _ in range(number):
        when = parse_cron(text).first(earliest, ZoneInfo(zone))
        found.append(f"{when:%Y-%m-%dT%H:%M:%S}")
        earliest = when.fromtimestamp(when.timestamp() + 1, UTC)
    return found


def test_a_weekly_time_comes_once_a_week() -> None:
    assert instants("0 9 * * mon", "2026-03-02T09:00", 3) == [
        "2026-03-02T09:00:00",
        "2026-03-09T09:00:00",
        "2026-03-16T09:00:00",
    ]


def test_an_instant_of_the_schedule_is_not_before_itself_and_a_second_later_it_is_gone() -> None:
    assert instants("0 9 * * mon", "2026-03-02T09:00:01", 1) == ["2026-03-09T09:00:00"]


def test_lists_ranges_and_steps() -> None:
    assert instants("*/30 8-9,17 * * *", "2026-03-02T00:00", 7) == [
        "2026-03-02T08:00:00",
        "2026-03-02T08:30:00",
        "2026-03-02T09:00:00",
        "2026-03-02T09:30:00",
        "2026-03-02T17:00:00",
        "2026-03-02T17:30:00",
        "2026-03-03T08:00:00",
    ]


def test_a_range_with_a_step_begins_at_its_first() -> None:
    assert parse_cron("5-20/7 0 * * *").times == parse_cron("5,12,19 0 * * *").times


def test_sunday_is_0_and_7_and_the_end_of_a_range() -> None:
    sunday = frozenset({6})
    assert [parse_cron(f"0 0 * * {day}").weekdays for day in ("0", "7", "sun", "SUN")] == [sunday] * 4
    assert parse_cron("0 0 * * fri-sun").weekdays == frozenset({4, 5, 6})


def test_a_day_that_meets_either_restriction_counts() -> None:
    assert instants("0 0 13 * fri", "2026-03-08T00:00", 3) == [
        "2026-03-13T00:00:00",
        "2026-03-20T00:00:00",
        "2026-03-27T00:00:00",
    ]
    assert instants("0 0 15 * fri", "2026-03-13T00:00", 3) == [
        "2026-03-13T00:00:00",
        "2026-03-15T00:00:00",
        "2026-03-20T00:00:00",
    ]


def test_the_31st_skips_short_months() -> None:
    assert instants("0 0 31 * *", "2026-04-01T00:00", 2) == ["2026-05-31T00:00:00", "2026-07-31T00:00:00"]


def test_the_29th_of_february_waits_for_a_leap_year_also_over_2100() -> None:
    assert instants("0 0 29 feb *", "2026-03-01T00:00", 1) == ["2028-02-29T00:00:00"]
    assert instants("0 0 29 feb *", "2096-03-01T00:00", 1) == ["2104-02-29T00:00:00"]


def test_the_zone_decides_which_instant_nine_oclock_is() -> None:
    assert instants("0 9 * * mon", "2026-03-23T00:00", 2, "Europe/Berlin") == [
        "2026-03-23T08:00:00",
        "2026-03-30T07:00:00",
    ]


def test_monday_in_tokyo_begins_on_sunday_in_utc() -> None:
    assert instants("0 5 * * mon", "2026-03-01T00:00", 1, "Asia/Tokyo") == ["2026-03-01T20:00:00"]


def test_a_skipped_time_is_the_first_instant_after_the_gap() -> None:
    assert instants("30 2 * * *", "2026-03-28T12:00", 2, "Europe/Berlin") == [
        "2026-03-29T01:00:00",
        "2026-03-30T00:30:00",
    ]


def test_several_times_in_one_gap_are_one_instant() -> None:
    assert instants("*/20 2,3 * * *", "2026-03-29T00:00", 3, "Europe/Berlin") == [
        "2026-03-29T01:00:00",
        "2026-03-29T01:20:00",
        "2026-03-29T01:40:00",
    ]


def test_a_repeated_time_comes_once() -> None:
    assert instants("30 2 * * *", "2026-10-24T12:00", 2, "Europe/Berlin") == [
        "2026-10-25T00:30:00",
        "2026-10-26T01:30:00",
    ]


def test_a_midnight_that_does_not_exist_is_the_end_of_its_gap() -> None:
    # Chile springs forward at midnight of 6 September 2026.
    assert instants("0 0 * * *", "2026-09-05T12:00", 1, "America/Santiago") == ["2026-09-06T04:00:00"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 9 * *", '"0 9 * *" must have five fields: minute, hour, day of month, month, day of week'),
        ("@daily", '"@daily" must have five fields: minute, hour, day of month, month, day of week'),
        ("60 9 * * *", '"60" is no minute'),
        ("0 24 * * *", '"24" is no hour'),
        ("0 9 0 * *", '"0" is no day of month'),
        ("0 9 * 13 *", '"13" is no month'),
        ("0 9 * * monday", '"monday" is no day of week'),
        ("0 9 * * 8", '"8" is no day of week'),
        ("0 9 * * mon-", '"mon-" is no day of week'),
        ("0 9 * * fri-mon", '"fri-mon" in the day of week runs backwards'),
        ("*/0 9 * * *", '"*/0" in the minute steps by nothing'),
        ("5/15 9 * * *", '"5/15" in the minute needs a range before its step, as in */15'),
        ("0,,5 9 * * *", '"" is no minute'),
        ("0 9 L * *", '"L" is no day of month'),
        ("0 0 30 feb *", '"0 0 30 feb *" names a day that no year has'),
    ],
)
def test_what_is_no_schedule_says_which_field_is_wrong(text: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(text)
    assert str(caught.value) == message
