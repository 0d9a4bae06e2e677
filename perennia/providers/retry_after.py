"""When a server asks to be asked again."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

LONGEST: Final = timedelta(days=1)
# As many digits as the seconds since 1970 have: others send a span under the same name.
_EPOCH_DIGITS: Final = 10


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """RFC 9110, 10.2.3, at most a day. A date is read against the answer's own, so that our clock does not matter.

    Where there is none, what SendGrid says instead (November 2026): `X-RateLimit-Reset`, the second since 1970.
    """
    told = headers.get("retry-after", "")
    if told.isascii() and told.isdecimal():
        return min(timedelta(seconds=int(told[:9])), LONGEST)
    try:
        answered = parsedate_to_datetime(headers["date"])
        span = parsedate_to_datetime(told) - answered if told else _until_reset(headers, answered.timestamp())
    except (ValueError, TypeError, KeyError):
        return None
    return None if span is None else min(max(span, timedelta()), LONGEST)


def _until_reset(headers: httpx.Headers, now: float) -> timedelta | None:
    reset = headers.get("x-ratelimit-reset", "")
    if not (reset.isascii() and reset.isdecimal() and len(reset) == _EPOCH_DIGITS) or int(reset) <= now:
        return None
    return timedelta(seconds=int(reset) - int(now))
