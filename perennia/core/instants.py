"""Instants as the world writes them: ISO text, Unix seconds, Unix milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from perennia.core.calendar import microseconds, resolve

# As seconds this is the year 5138, as milliseconds March 1973: nobody means either the other way.
MILLISECONDS_FROM = 1e11

# "0001-01-01" and "9999-12-31" stand for never and for ever in many a CRM. Kept, but out of reach of any overflow.
EARLIEST = microseconds(datetime(1600, 1, 1, tzinfo=UTC))
LATEST = microseconds(datetime(8000, 1, 1, tzinfo=UTC))

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ].+)?")


def instant_us(value: object, zone: ZoneInfo) -> int | None:
    """Microseconds since 1970 UTC, or None where ``value`` is no instant.

    Text is ISO-8601; a date alone means its midnight in ``zone``, a time without offset is wall-clock time there. Numbers
    are Unix seconds, from 1e11 on milliseconds. Before 1600 counts as 1600, after 8000 as 8000.
    """
    match value:
        case str():
            us = _parsed(value, zone)
        case datetime():
            us = microseconds(value)
        case bool():
            return None
        case int() | float():
            us = _unix(value)
        case _:
            return None
    return None if us is None else min(max(us, EARLIEST), LATEST)


def _unix(value: float) -> int | None:
    if value != value:  # noqa: PLR0124 (NaN, the only value unlike itself)
        return None
    bounded = min(max(value, -1e17), 1e17)
    return round(bounded * 1_000) if abs(bounded) >= MILLISECONDS_FROM else round(bounded * 1_000_000)


@lru_cache(maxsize=8192)
def _parsed(text: str, zone: ZoneInfo) -> int | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    try:
        if found.group(1) is None:
            day = date.fromisoformat(text)
            return microseconds(resolve(datetime(day.year, day.month, day.day), zone))  # noqa: DTZ001 (a wall-clock time)
        when = datetime.fromisoformat(text)
        return microseconds(when if when.tzinfo is not None else resolve(when, zone))
    except (ValueError, OverflowError):  # OverflowError: the year 1 or 9999 in a zone that lies beyond
        return None
