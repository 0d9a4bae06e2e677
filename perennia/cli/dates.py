"""Days and instants as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from perennia.cli.exits import CommandError, Exit
from perennia.core.calendar import resolve


def instant_of(option: str, text: str, zone: ZoneInfo) -> datetime:
    """The instant, or midnight of the day in ``zone``. Raises `CommandError`, which names the option."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        remedy = "write a day like 2026-01-31, or an instant like 2026-01-31T09:00:00+01:00"
        raise CommandError(f'{option}: "{text}" is no date', remedy, Exit.USAGE) from None
    return resolve(told, zone) if told.tzinfo is None else told.astimezone(UTC)
