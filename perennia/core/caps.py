"""Frequency caps: which messages take a place, when each gives it back, and who must make room (language, section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from perennia.core.calendar import Calendar, Span
from perennia.core.state import LedgerEntry

# A message that leaves within this time of its release counts from its release: so much passes between a decision and the
# provider on any day. One that leaves later (an outage, a slow provider) counts from when it left.
PROMPT = timedelta(minutes=1)
# Longer than anything is held.
NOT_SOON = timedelta(days=3650)
# What a span in days may reach further back than its days have hours, whatever clocks and zones do.
SLACK = timedelta(days=3)


class LedgerMissing(Exception):
    """A message is to be judged by caps, and nobody has read what the contact was sent ``since`` then. Read it, try again."""

    def __init__(self, since: datetime) -> None:
        super().__init__(f"the ledger since {since:%Y-%m-%d %H:%M} is needed")
        self.since = since


def counted_from(released: datetime, left: datetime | None) -> datetime:
    """The instant from which a message counts."""
    return released if left is None or left - released <= PROMPT else left


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``messages`` of ``topics`` (empty: of all) in any span ``per``: each counts in ``[sent, sent + per)``."""

    messages: int
    per: Span
    topics: frozenset[str]

    def counts(self, topic: str | None) -> bool:
        return not self.topics or topic in self.topics

    def free_at(self, entries: Iterable[LedgerEntry], at: datetime, calendar: Calendar) -> datetime:
        """The first instant not before ``at`` at which a place is free, if nothing else is sent. Days are the customer's.

        Nobody knows when a message leaves that has not left: until then its place is taken.
        """
        counted = [
            calendar.after(entry.at, self.per) if entry.left else at + NOT_SOON
            for entry in entries
            if self.counts(entry.topic)
        ]
        ends = sorted(end for end in counted if end > at)
        return at if len(ends) < self.messages else ends[len(ends) - self.messages]

    def reach(self, at: datetime, calendar: Calendar) -> datetime:
        """Nothing that was sent before this instant counts at ``at``."""
        return calendar.before(at, self.per) - SLACK


def reach_of(caps: Iterable[Cap], at: datetime, calendar: Calendar) -> datetime:
    """How far back the ledger matters at ``at`` to any of ``caps``."""
    return min((cap.reach(at, calendar) for cap in caps), default=at)


class Rank(NamedTuple):
    """Who goes first for a place: the higher priority, then who waits longest."""

    priority: int
    since: datetime

    def beats(self, other: Rank) -> bool:
        return (-self.priority, self.since) < (-other.priority, other.since)


class Ledger:
    """A contact's ledger during one run of `advance`: what comes with the recipient, and what is released on the way."""

    def __init__(self, entries: Iterable[LedgerEntry]) -> None:
        self._entries = {entry.key: entry for entry in entries}
        # Since when those that were released in this run had waited.
        self._waited: dict[str, datetime] = {}

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        return tuple(self._entries.values())

    def reserve(self, entry: LedgerEntry, since: datetime) -> None:
        """Takes a place for a message that is released now and had waited ``since`` then."""
        self._entries[entry.key] = entry
        self._waited[entry.key] = since

    def leave(self, key: str, at: datetime) -> None:
        """The message is out since ``at``."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries[key] = msgspec.structs.replace(entry, at=counted_from(entry.at, at), left=True)

    def give_back(self, key: str) -> LedgerEntry | None:
        """Frees the place of a message that will not go."""
        return self._entries.pop(key, None)

    def withdraw(self, key: str) -> None:
        """Frees the place of a message that is taken back, unless it is on its way already."""
        entry = self._entries.get(key)
        if entry is not None and not entry.left:
            del self._entries[key]

    def forget(self, before: datetime) -> None:
        self._entries = {key: each for key, each in self._entries.items() if each.at >= before or not each.left}

    def lower(self, rank: Rank, caps: Iterable[Cap], at: datetime) -> list[LedgerEntry]:
        """Those in the way under ``caps`` that have not left and come after ``rank``, the last of them first.

        A message that was released earlier yields to a higher priority alone: that it waited is over.
        """
        found: list[tuple[Rank, LedgerEntry]] = []
        for entry in self._entries.values():
            if entry.left or not any(cap.counts(entry.topic) for cap in caps):
                continue
            now = entry.at == at and entry.key in self._waited
            other = Rank(entry.priority, self._waited[entry.key] if now else rank.since)
            if rank.beats(other):
                found.append((other, entry))
        return [entry for _, entry in sorted(found, key=lambda each: (each[0].priority, -each[0].since.timestamp()))]
