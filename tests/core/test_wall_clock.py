"""Times of day, told dates and offsets, to the instant (language, section 2)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from perennia.core.calendar import Calendar, SpanError, parse_span
from perennia.core.json_values import Json
from perennia.core.wall_clock import (
    EVERY_DAY,
    TimeOfDayError,
    moment,
    next_at,
    parse_offset,
    parse_time,
    spread_of,
)

THURSDAY = frozenset({3})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def clocks(zone: str) -> Calendar:
    return Calendar(zone=ZoneInfo(zone), workspace=ZoneInfo("Europe/Berlin"))


def told(value: Json, zone: str, offset: str | None = None, hour: str | None = None) -> str:
    found = moment(
        value,
        clocks(zone),
        None if offset is None else parse_offset(offset),
        None if hour is None else parse_time(hour),
    )
    return "" if found is None else f"{found:%Y-%m-%dT%H:%M:%S}"


def test_the_instant_itself_is_not_before_itself() -> None:
    assert next_at(at("2026-03-02T09:00"), time(9), EVERY_DAY, ZoneInfo("UTC")) == at("2026-03-02T09:00")
    assert next_at(at("2026-03-02T09:00:01"), time(9), EVERY_DAY, ZoneInfo("UTC")) == at("2026-03-03T09:00")


def test_a_thursday_in_tokyo_is_a_thursday_in_tokyo() -> None:
    # Thursday 5 March 05:00 in Tokyo is still Wednesday in UTC.
    assert next_at(at("2026-03-02T00:00"), time(5), THURSDAY, ZoneInfo("Asia/Tokyo")) == at("2026-03-04T20:00")


def test_a_skipped_time_is_the_first_instant_after_the_gap() -> None:
    zone = ZoneInfo("Europe/Madrid")
    assert next_at(at("2026-03-29T00:00"), time(2, 30), EVERY_DAY, zone) == at("2026-03-29T01:00")


def test_a_repeated_time_is_its_first_pass_and_in_the_second_it_is_gone() -> None:
    zone = ZoneInfo("Europe/Madrid")
    assert next_at(at("2026-10-25T00:00"), time(2, 30), EVERY_DAY, zone) == at("2026-10-25T00:30")
    assert next_at(at("2026-10-25T01:00"), time(2, 30), EVERY_DAY, zone) == at("2026-10-26T01:30")


def test_a_date_without_a_time_is_midnight_in_the_customers_zone() -> None:
    assert told("2026-06-01", "Asia/Tokyo") == "2026-05-31T15:00:00"
    assert told("2026-06-01", "America/New_York") == "2026-06-01T04:00:00"


def test_days_before_a_date_keep_the_wall_clock_over_a_clock_change() -> None:
    assert told("2026-04-05", "Europe/Madrid", "-7d") == "2026-03-28T23:00:00"
    assert told("2026-04-05T10:00:00Z", "Europe/Madrid", "-7d") == "2026-03-29T10:00:00"
    assert told("2026-04-05T10:00:00Z", "Europe/Madrid", "-8d") == "2026-03-28T11:00:00"


def test_hours_before_are_exact() -> None:
    assert told("2026-03-29T12:00:00+02:00", "Europe/Madrid", "-12h") == "2026-03-28T22:00:00"


def test_days_count_from_the_date_also_where_it_has_no_midnight() -> None:
    # 6 September 2026 begins at 01:00 in Santiago; ten days earlier does not.
    assert told("2026-09-06", "America/Santiago") == "2026-09-06T04:00:00"
    assert told("2026-09-06", "America/Santiago", "-10d") == "2026-08-27T04:00:00"


def test_a_time_of_day_is_that_of_the_day_the_offset_leads_to() -> None:
    assert told("2026-06-01", "Europe/Madrid", "-90d", "09:00") == "2026-03-03T08:00:00"
    assert told("2026-06-01T23:30:00Z", "Europe/Madrid", None, "09:00") == "2026-06-02T07:00:00"


def test_business_days_before_a_date() -> None:
    assert told("2026-03-16", "Europe/Berlin", "-2bd") == "2026-03-11T23:00:00"


def test_what_is_no_instant_is_none() -> None:
    values: list[Json] = [None, "soon", True, [], "2026-02-30"]
    assert [told(value, "UTC") for value in values] == [""] * 5


def test_dates_that_mean_never_stay_out_of_reach() -> None:
    assert told("9999-12-31", "Asia/Tokyo", "+400d") == "8001-02-04T00:00:00"
    assert told("0002-01-01", "Asia/Tokyo", "-400d").startswith("1598-11-2")


def test_an_offset_has_a_sign_or_is_after() -> None:
    assert [parse_offset(text).sign for text in ("-7d", "+7d", "7d")] == [-1, 1, 1]


def test_a_wrong_offset_is_shown_as_it_was_written() -> None:
    with pytest.raises(SpanError, match=r'^"-7x" is no span'):
        parse_offset("-7x")


@pytest.mark.parametrize("text", ["24:00", "9:60", "nine", "09:00:00", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(TimeOfDayError):
        parse_time(text)


def test_a_spread_is_the_customers_own_and_inside_the_span() -> None:
    span = parse_span("10m")
    # The first 8 bytes of SHA-256("p:ana") / 2^64 are 0.150503...
    assert spread_of("p", "ana", span) == timedelta(seconds=90)
    found = {spread_of("p", f"c{number}", span) for number in range(2000)}
    assert min(found) >= timedelta(0)
    assert max(found) < timedelta(minutes=10)
    assert len(found) > 500


def test_the_last_minute_of_an_hour_is_a_time_of_day() -> None:
    assert parse_time("9:59") == time(9, 59)


def test_hours_of_an_offset_are_taken_off_as_its_days_are() -> None:
    found = moment("2026-03-12T09:00:00Z", clocks("UTC"), parse_offset("-1d12h"))
    assert found == at("2026-03-10T21:00")
