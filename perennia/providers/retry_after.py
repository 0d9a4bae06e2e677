"""When a server asks to be asked again."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

LONGEST: Final = timedelta(days=1)


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """RFC 9110, 10.2.3, at most a day. A date is read against the answer's own, so that our clock does not matter."""
    told = headers.get("retry-after", "")
    if told.isascii() and told.isdecimal():
        return min(timedelta(seconds=int(told[:9])), LONGEST)
    try:
        span = parsedate_to_datetime(told) - parsedate_to_datetime(headers["date"])
    except (ValueError, TypeError, KeyError):
        return None
    return min(max(span, timedelta()), LONGEST)
