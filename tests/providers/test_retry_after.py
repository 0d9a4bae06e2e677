"""When a server asks to be asked again, in the ways in which servers say it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from perennia.providers.retry_after import retry_after

DATE = "Mon, 02 Mar 2026 10:00:00 GMT"  # 1772445600


@pytest.mark.parametrize(
    ("told", "span"),
    [
        ({"Retry-After": "120"}, timedelta(seconds=120)),
        ({"Retry-After": "Mon, 02 Mar 2026 10:05:00 GMT", "Date": DATE}, timedelta(minutes=5)),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:00 GMT", "Date": DATE}, timedelta()),
        ({"Retry-After": "9999999"}, timedelta(days=1)),
        ({"X-RateLimit-Reset": "1772445660", "Date": DATE}, timedelta(minutes=1)),
        ({"Retry-After": "5", "X-RateLimit-Reset": "1772445660", "Date": DATE}, timedelta(seconds=5)),
        ({"X-RateLimit-Reset": "1772445000", "Date": DATE}, None),  # it is over
        ({"X-RateLimit-Reset": "60", "Date": DATE}, None),  # a span, of somebody else
        ({"X-RateLimit-Reset": "1772445660"}, None),
        ({"Retry-After": "soon", "Date": DATE}, None),
        ({}, None),
    ],
)
def test_a_server_says_when_to_come_back(told: dict[str, str], span: timedelta | None) -> None:
    assert retry_after(httpx.Headers(told)) == span
