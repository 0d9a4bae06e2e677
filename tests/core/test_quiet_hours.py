"""Windows of the day, and the first instant after quiet hours (language, sections 2 and 8)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from perennia.core.quiet_hours import Quiet, Window, WindowError, parse_window

MADRID = ZoneInfo("Europe/Madrid")
EVERY_DAY = frozenset(range(7))


def over(window: str, at: datetime, days: frozenset[int] = EVERY_DAY, zone: ZoneInfo = MADRID) -> datetime:
    return Quiet(parse_window(window), days).over(at, zone)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("09:00-17:00", Window(time(9), time(17), 0)),
        ("22:00-06:00", Window(time(22), time(6), 1)),
        ("00:00-24:00", Window(time(0), time(0), 1)),
        ("9:00 - 17:30", Window(time(9), time(17, 30), 0)),
    ],
)
def test_a_window_is_two_times_of_day(text: str, window: Window) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text", ["", "9-17", "25:00-06:00", "10:00-10:00", "24:00-06:00", "10:00", "10:00-11:00-12:00"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(WindowError):
        parse_window(text)


def test_windows_are_half_open() -> None:
    assert over("21:00-08:00", datetime(2026, 3, 2, 20, 0, tzinfo=UTC)) == datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert over("21:00-08:00", datetime(2026, 3, 3, 7, 0, tzinfo=UTC)) == datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert over("21:00-08:00", datetime(2026, 3, 2, 19, 59, 59, tzinfo=UTC)) == datetime(
        2026, 3, 2, 19, 59, 59, tzinfo=UTC
    )


def test_whole_days_join() -> None:
    weekend = frozenset({5, 6})
    assert over("00:00-24:00", datetime(2026, 3, 7, 12, tzinfo=UTC), weekend) == datetime(2026, 3, 8, 23, 0, tzinfo=UTC)


def test_an_end_that_clocks_skip_is_the_first_instant_after_the_gap() -> None:
    # 29 March 2026: at 02:00 (01:00 UTC) it is 03:00.
    assert over("21:00-02:30", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_end_that_clocks_repeat_is_its_first_pass() -> None:
    # 25 October 2026: 02:30 is 00:30 UTC and again 01:30 UTC.
    assert over("21:00-02:30", datetime(2026, 10, 25, 0, 10, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert over("21:00-02:30", datetime(2026, 10, 25, 1, 10, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 10, tzinfo=UTC)


def test_quiet_hours_that_never_end_are_looked_at_again_after_nine_days() -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert over("00:00-24:00", at) >= datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
