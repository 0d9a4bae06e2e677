"""Spans and calendars: expected instants were worked out by hand from the zones' published rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennia.core.calendar import Calendar, SpanError, find_zone, instant, microseconds, parse_span, resolve

MADRID = ZoneInfo("Europe/Madrid")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
APIA = ZoneInfo("Pacific/Apia")
ZONES = (MADRID, SAO_PAULO, LORD_HOWE, KATHMANDU, APIA, ZoneInfo("UTC"))


def calendar(zone: ZoneInfo = MADRID, *holidays: date) -> Calendar:
    return Calendar(zone=zone, workspace=zone, holidays=frozenset(holidays))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


# --- spans ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days", "business_days", "exact"),
    [
        ("90s", 0, 0, timedelta(seconds=90)),
        ("30m", 0, 0, timedelta(minutes=30)),
        ("12h", 0, 0, timedelta(hours=12)),
        ("3d", 3, 0, timedelta(0)),
        ("2w", 14, 0, timedelta(0)),
        ("1d12h", 1, 0, timedelta(hours=12)),
        ("12h1d", 1, 0, timedelta(hours=12)),
        ("2bd", 0, 2, timedelta(0)),
        ("1bd4h", 0, 1, timedelta(hours=4)),
        ("P3D", 3, 0, timedelta(0)),
        ("PT1H30M", 0, 0, timedelta(minutes=90)),
        ("P1W", 7, 0, timedelta(0)),
        ("P1DT12H", 1, 0, timedelta(hours=12)),
        ("0d", 0, 0, timedelta(0)),
    ],
)
def test_a_span_is_read(text: str, days: int, business_days: int, exact: timedelta) -> None:
    span = parse_span(text)
    assert (span.days, span.business_days, span.exact, span.text) == (days, business_days, exact, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", '"" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("3", '"3" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("3x", '"3x" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("-3d", '"-3d" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("1.5h", '"1.5h" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("P", '"P" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("P1DT", '"P1DT" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("1d1d", '"1d1d" names the unit "d" twice; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'),
        ("P1M", '"P1M" has years or months, which differ in length; write days, as in P90D'),
        ("2d1bd", '"2d1bd" mixes business days with days or weeks; write one of them'),
        ("99999999999d", '"99999999999d" is longer than a hundred years'),
        ("36501d", '"36501d" is longer than a hundred years'),
    ],
)
def test_what_is_no_span_is_refused_with_a_valid_one(text: str, message: str) -> None:
    with pytest.raises(SpanError) as caught:
        parse_span(text)
    assert str(caught.value) == message


# --- calendar days --------------------------------------------------------------------------------------------------


def test_a_day_keeps_the_wall_clock_over_a_spring_change() -> None:
    start = local("2026-03-28T10:00", MADRID)
    assert calendar().after(start, parse_span("1d")) == utc("2026-03-29T08:00")


def test_hours_are_exact_over_a_spring_change() -> None:
    start = local("2026-03-28T10:00", MADRID)
    assert calendar().after(start, parse_span("24h")) == utc("2026-03-29T09:00")


def test_a_skipped_time_becomes_the_first_instant_after_the_gap() -> None:
    start = local("2026-03-28T02:30", MADRID)
    assert calendar().after(start, parse_span("1d")) == utc("2026-03-29T01:00")


def test_a_skipped_half_hour_becomes_the_first_instant_after_it() -> None:
    start = local("2026-10-03T02:10", LORD_HOWE)  # 2:00 becomes 2:30 on 4 October
    assert calendar(LORD_HOWE).after(start, parse_span("1d")) == utc("2026-10-03T15:30")


def test_a_skipped_midnight_becomes_one_o_clock() -> None:
    start = local("2018-11-03T00:00", SAO_PAULO)  # Brazil skipped 0:00-1:00 on 4 November 2018
    assert calendar(SAO_PAULO).after(start, parse_span("1d")) == utc("2018-11-04T03:00")


def test_a_skipped_day_becomes_the_day_after_it() -> None:
    start = local("2011-12-29T10:00", APIA)  # Samoa skipped 30 December 2011
    assert calendar(APIA).after(start, parse_span("1d")) == utc("2011-12-30T10:00")


def test_a_repeated_time_means_the_first_pass() -> None:
    start = local("2026-10-24T02:30", MADRID)
    assert calendar().after(start, parse_span("1d")) == utc("2026-10-25T00:30")


def test_from_the_second_pass_the_wall_clock_counts() -> None:
    start = datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=1)
    assert calendar().after(start, parse_span("1d")) == utc("2026-10-26T01:30")


def test_calendar_units_come_before_exact_ones() -> None:
    start = local("2026-03-27T14:30", MADRID)
    assert calendar().after(start, parse_span("12h1d")) == utc("2026-03-29T01:30")


def test_days_back_keep_the_wall_clock() -> None:
    end = local("2026-03-30T10:00", MADRID)
    assert calendar().before(end, parse_span("2d")) == utc("2026-03-28T09:00")


def test_a_zone_off_by_quarters_of_an_hour_is_no_exception() -> None:
    start = local("2026-03-28T10:00", KATHMANDU)
    assert calendar(KATHMANDU).after(start, parse_span("3d")) == utc("2026-03-31T04:15")


def test_midnight_is_the_first_instant_of_a_day() -> None:
    assert calendar(SAO_PAULO).midnight(date(2018, 11, 4)) == utc("2018-11-04T03:00")


# --- business days --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-03-04T10:00", "1bd", "2026-03-05T10:00"),
        ("2026-03-06T15:00", "1bd", "2026-03-09T15:00"),  # Friday
        ("2026-03-07T10:00", "1bd", "2026-03-09T10:00"),  # Saturday
        ("2026-03-06T15:00", "2bd", "2026-03-10T15:00"),
        ("2026-03-06T15:00", "1bd4h", "2026-03-09T19:00"),
    ],
)
def test_the_nth_business_day_after_today_at_the_same_time(start: str, span: str, end: str) -> None:
    zone = ZoneInfo("UTC")
    assert calendar(zone).after(local(start, zone), parse_span(span)) == utc(end)


def test_holidays_are_no_business_days() -> None:
    zone = ZoneInfo("UTC")
    assert calendar(zone, date(2026, 3, 9)).after(utc("2026-03-06T15:00"), parse_span("1bd")) == utc("2026-03-10T15:00")


def test_business_days_pass_in_the_workspaces_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    mixed = Calendar(zone=ZoneInfo("America/New_York"), workspace=tokyo)
    friday_night_in_new_york = utc("2026-03-07T01:00")  # Saturday 10:00 in Tokyo
    assert mixed.after(friday_night_in_new_york, parse_span("1bd")) == utc("2026-03-09T01:00")


def test_business_days_count_backwards() -> None:
    zone = ZoneInfo("UTC")
    assert calendar(zone).before(utc("2026-03-09T10:00"), parse_span("1bd")) == utc("2026-03-06T10:00")


def test_a_year_of_holidays_is_an_error_and_no_endless_search() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(800)]
    with pytest.raises(SpanError, match="a whole year without a business day"):
        calendar(MADRID, *days).after(utc("2026-01-05T10:00"), parse_span("1bd"))


# --- zones ----------------------------------------------------------------------------------------------------------


def test_the_first_known_zone_counts_and_the_first_unknown_one_is_told() -> None:
    assert find_zone(None, "Mars/Olympus", 7, "Europe/Madrid") == (MADRID, "Mars/Olympus")


@pytest.mark.parametrize("name", ["", "../etc/passwd", "Europe", "Europe/Madrid\0", "/etc/localtime", "\ud800"])
def test_a_name_that_no_zone_has_falls_back(name: str) -> None:
    assert find_zone(name) == (ZoneInfo("UTC"), name)


# --- laws -----------------------------------------------------------------------------------------------------------

instants = st.datetimes(  # hypothesis wants naive bounds
    datetime(2008, 1, 1),  # noqa: DTZ001
    datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(ZONES)
days = st.integers(0, 400)


@given(instants, zones, days)
def test_days_later_the_clock_shows_the_same_or_a_gap_lies_there(start: datetime, zone: ZoneInfo, count: int) -> None:
    wanted = start.astimezone(zone).replace(tzinfo=None) + timedelta(days=count)
    end = calendar(zone).after(start, parse_span(f"{count}d"))
    shown = end.astimezone(zone).replace(tzinfo=None)
    if shown != wanted:
        before_the_gap = (end - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before_the_gap < wanted < shown


@given(instants, zones)
def test_an_instant_is_the_first_that_shows_its_wall_clock(start: datetime, zone: ZoneInfo) -> None:
    wall = start.astimezone(zone).replace(tzinfo=None)
    first = resolve(wall, zone)
    assert first <= start
    assert first.astimezone(zone).replace(tzinfo=None) == wall


@given(instants, zones, st.sampled_from(["0d", "1d", "7d", "30d", "1d12h", "5h", "90d", "2bd"]))
def test_addition_in_microseconds_is_the_same_addition(start: datetime, zone: ZoneInfo, text: str) -> None:
    slow = calendar(zone).after(start, parse_span(text))
    assert instant(calendar(zone).after_us(microseconds(start), parse_span(text))) == slow


@given(instants, zones, st.integers(1, 30))
def test_a_later_wall_clock_never_ends_earlier(start: datetime, zone: ZoneInfo, count: int) -> None:
    other = start + timedelta(minutes=45)
    if other.astimezone(zone).replace(tzinfo=None) >= start.astimezone(zone).replace(tzinfo=None):
        span = parse_span(f"{count}d")
        assert calendar(zone).after(other, span) >= calendar(zone).after(start, span)


def test_a_hundred_years_are_a_span_and_a_day_more_is_none() -> None:
    assert parse_span("36500d").days == 36_500
    with pytest.raises(SpanError, match="longer than a hundred years"):
        parse_span("36501d")
