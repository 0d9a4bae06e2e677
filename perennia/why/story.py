"""A customer's decision log as a story: filtered, in order, in the customer's own time."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec

from perennia.core.decisions import JournalEntry
from perennia.why.wording import Line, put_in_words


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """``lines`` oldest first, their times in ``zone``. ``outlook``: what the playbook would look at now."""

    customer: str
    zone: str
    lines: tuple[Line, ...]
    outlook: tuple[str, ...] = ()


def tell(
    customer: str,
    entries: Iterable[JournalEntry],
    zone: ZoneInfo,
    subject: str | None = None,
    step: str | None = None,
    outlook: tuple[str, ...] = (),
) -> Story:
    """The entries about ``subject`` (a playbook or a track; None: all), and of it about one step."""
    told = [entry for entry in entries if _concerns(entry, subject, step)]
    told.sort(key=lambda entry: entry.at)
    return Story(
        customer=customer, zone=zone.key, lines=tuple(put_in_words(entry, zone) for entry in told), outlook=outlook
    )


def _concerns(entry: JournalEntry, subject: str | None, step: str | None) -> bool:
    about = entry.playbook == subject or entry.detail.get("track") == subject
    return (subject is None or about) and (step is None or entry.step == step)
