"""When something happened, by the clock of whoever received it."""

from __future__ import annotations

from datetime import UTC, datetime

from perennia.core.json_values import Json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Unix seconds reach this number in the year 5138, milliseconds passed it in March 1973.
MILLISECONDS_FROM = 100_000_000_000


def read_instant(value: Json) -> datetime | None:
    """An ISO-8601 text, Unix seconds or milliseconds as an instant in UTC; None for anything else.

    A text without an offset is UTC. What lies at or before 1970 is no time: some SDKs send their language's zero.
    """
    match value:
        case str():
            instant = _from_text(value)
        case int() | float() if not isinstance(value, bool):
            instant = _from_number(value)
        case _:
            return None
    return instant if instant is not None and instant > EPOCH else None


def _from_text(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_number(number: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def event_time(happened: datetime | None, sent: datetime | None, received: datetime) -> datetime | None:
    """The event's own time by our clock, never after ``received``; None where the sender gave none.

    Segment's rule: the sender's clock may be wrong, but what passed between the event and its sending is right, so the
    time is ``received - (sent - happened)``. Without ``sent`` the sender's word is taken.
    """
    if happened is None:
        return None
    if sent is None:
        return min(happened, received)
    try:
        return min(received - (sent - happened), received)
    except OverflowError:
        return min(happened, received)
