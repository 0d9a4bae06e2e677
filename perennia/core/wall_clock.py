"""Instants that follow the clock on a wall: times of day, dates that somebody told, offsets from them (language, section 2)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from perennia.core.calendar import Calendar, Span, SpanError, instant, parse_span, resolve
from perennia.core.instants import instant_us
from perennia.core.json_values import Json

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
ONE_DAY = timedelta(days=1)

_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_LIKE_A_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class TimeOfDayError(ValueError):
    """A text is no time of day. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Offset:
    """A span before (``sign`` -1) or after (1) an instant."""

    sign: int
    span: Span


def is_time_of_day(text: str) -> bool:
    """Whether the text is meant as one: ``09:00``. It may still be wrong, as ``25:00`` and ``09:00:30`` are."""
    return _LIKE_A_TIME.fullmatch(text) is not None


@lru_cache(maxsize=256)
def parse_time(text: str) -> time:
    """``09:00`` or ``9:00``. Raises `TimeOfDayError`."""
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise TimeOfDayError(f'"{text}" is no time of day')
    return time(int(found[1]), int(found[2]))


@lru_cache(maxsize=256)
def parse_offset(text: str) -> Offset:
    """A span with a sign, ``-90d``; without one it is after. Raises `SpanError`."""
    if text[:1] not in {"-", "+"}:
        return Offset(1, parse_span(text))
    try:
        return Offset(-1 if text[0] == "-" else 1, parse_span(text[1:]))
    except SpanError as error:
        raise SpanError(str(error).replace(f'"{text[1:]}"', f'"{text}"', 1)) from None


def next_at(earliest: datetime, at: time, days: frozenset[int], zone: ZoneInfo) -> datetime:
    """The first instant (UTC) not before ``earliest`` at which clocks in ``zone`` show ``at`` on one of ``days`` (Monday 0).

    A time that the day skips is the first instant after the gap; one that it repeats, the first pass only.
    """
    # From the day before: a gap that swallows midnight moves a time into the next day.
    day = earliest.astimezone(zone).date() - ONE_DAY
    while True:
        if day.weekday() in days:
            found = resolve(datetime.combine(day, at), zone)
            if found >= earliest:
                return found
        day += ONE_DAY


def moment(value: Json, calendar: Calendar, offset: Offset | None = None, at: time | None = None) -> datetime | None:
    """The instant (UTC) that ``value`` tells, moved by ``offset``; with ``at`` that time of the day it then falls on.

    A date without a time is midnight in the customer's zone, and days are counted from the date itself, also where that
    day has no midnight. None where ``value`` is no instant.
    """
    us = instant_us(value, calendar.zone)
    if us is None:
        return None
    moved = instant(us)
    if offset is not None:
        moved = _moved(
            _midnight(value) or moved.astimezone(calendar.zone).replace(tzinfo=None), moved, offset, calendar
        )
    if at is not None:
        moved = resolve(datetime.combine(moved.astimezone(calendar.zone).date(), at), calendar.zone)
    return moved


def _moved(wall: datetime, start: datetime, offset: Offset, calendar: Calendar) -> datetime:
    span = offset.span
    if span.days:
        return resolve(wall + offset.sign * timedelta(days=span.days), calendar.zone) + offset.sign * span.exact
    return calendar.after(start, span) if offset.sign > 0 else calendar.before(start, span)


def _midnight(value: Json) -> datetime | None:
    """The wall-clock midnight of a date without a time, where it lies in the years that instants may lie in."""
    if not isinstance(value, str) or not _DATE.fullmatch(value) or not "1600" <= value[:4] < "8000":
        return None
    return datetime.combine(date.fromisoformat(value), time())


def spread_of(playbook: str, customer: str, span: Span) -> timedelta:
    """The customer's own part of a spread: always the same, from 0 to before ``span``, in whole seconds.

    The same share as a holdout's: SHA-256 of ``playbook:customer``, first 8 bytes / 2^64.
    """
    share = int.from_bytes(hashlib.sha256(f"{playbook}:{customer}".encode()).digest()[:8], "big")
    return timedelta(seconds=share * (span.length_us // 1_000_000) >> 64)
