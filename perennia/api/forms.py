"""Values as callers write them in JSON, where bodies are strict: nothing is taken for what it is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BeforeValidator

_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def _read(told: object) -> object:
    """In UTC. Raises `ValueError`."""
    if told is None or isinstance(told, datetime):
        return told
    if not isinstance(told, str) or not _FORM.fullmatch(told):
        raise ValueError("an instant is written with its offset from UTC: 2026-03-02T10:00:00Z")
    try:
        return datetime.fromisoformat(told.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such instant: {error}") from error


# RFC 3339, so never a number of unknown unit and never a time without its zone.
Instant = Annotated[AwareDatetime, BeforeValidator(_read)]
