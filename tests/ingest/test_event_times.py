"""When something happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennia.core.json_values import Json
from perennia.ingest.event_times import event_time, read_instant

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:00.000Z",
        "2026-03-02T13:00:00+01:00",
        "2026-03-02T12:00:00",
        "2026-03-02T12:00:00.000000000Z",
        " 2026-03-02T12:00:00Z ",
        1772452800,
        1772452800000,
        1772452800.0,
    ],
)
def test_these_are_all_the_same_noon(value: Json) -> None:
    assert read_instant(value) == NOON


@pytest.mark.parametrize(
    "value",
    [None, True, "", "soon", [], {}, 0, -5, 1e300, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"],
)
def test_these_are_no_instants(value: Json) -> None:
    assert read_instant(value) is None


@pytest.mark.parametrize(
    ("happened", "sent", "expected"),
    [
        (None, NOON, None),
        (NOON - timedelta(minutes=5), None, NOON - timedelta(minutes=5)),
        (NOON + timedelta(minutes=5), None, NOON),
        # A clock an hour fast, an event two minutes before its sending.
        (NOON + timedelta(minutes=58), NOON + timedelta(hours=1), NOON - timedelta(minutes=2)),
        # A clock a year slow.
        (NOON - timedelta(days=365, minutes=2), NOON - timedelta(days=365), NOON - timedelta(minutes=2)),
        # Sent before it happened: nonsense, and never in the future.
        (NOON, NOON - timedelta(hours=1), NOON),
    ],
)
def test_the_time_between_event_and_sending_is_what_counts(
    happened: datetime | None, sent: datetime | None, expected: datetime | None
) -> None:
    assert event_time(happened, sent, NOON) == expected


def test_a_correction_that_leaves_the_calendar_is_not_made() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    long_ago = datetime(1971, 1, 1, tzinfo=UTC)
    assert event_time(long_ago, far, NOON) == long_ago
