"""Records of a simulated CRM, as its people see and change them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

BEGINNING = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@dataclass
class Stored:
    """One record. ``merged``: ids of those that became this one. ``about``: ids of records that it hangs on."""

    id: str
    fields: dict[str, Any]
    changed: datetime
    gone: bool = False
    merged: list[str] = field(default_factory=list[str])
    merged_into: str | None = None
    about: list[str] = field(default_factory=list[str])


@dataclass
class Tables:
    """All records, by type and id. Time passes a millisecond with each change: what one request changes, changed at once."""

    first_id: int = 101
    now: datetime = BEGINNING
    of: dict[str, dict[str, Stored]] = field(default_factory=dict[str, dict[str, Stored]])
    # Of each type, fields that no two living records may share.
    unique: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    purged: list[str] = field(default_factory=list[str])

    def living(self, type_: str) -> list[Stored]:
        return [each for each in self.of.get(type_, {}).values() if not each.gone]

    def tick(self) -> None:
        self.now += timedelta(milliseconds=1)

    def by(self, type_: str, name: str, value: object) -> Stored | None:
        return next((each for each in self.living(type_) if each.fields.get(name) == value), None)

    def taken(self, type_: str, fields: dict[str, Any], but: str | None = None) -> tuple[str, Stored] | None:
        """The first unique field whose value another record holds, and that record."""
        for name in sorted(self.unique.get(type_, ())):
            value = fields.get(name)
            other = self.by(type_, name, value) if value not in (None, "") else None
            if other is not None and other.id != but:
                return name, other
        return None

    def make(self, type_: str, fields: dict[str, Any], about: list[str] | None = None) -> Stored:
        stored = Stored(self.new_id(type_), dict(fields), self.now, about=about or [])
        self.of.setdefault(type_, {})[stored.id] = stored
        return stored

    def new_id(self, _type: str) -> str:
        return str(self.first_id + len(self.purged) + sum(len(records) for records in self.of.values()))

    def change(self, stored: Stored, fields: dict[str, Any]) -> None:
        stored.fields.update(fields)
        stored.changed = self.now

    def delete(self, stored: Stored) -> None:
        stored.gone = True
        stored.changed = self.now

    def purge(self, type_: str, stored: Stored) -> None:
        """As if it had never been."""
        stored.fields = {}
        self.delete(stored)
        self.purged.append(stored.id)
        del self.of[type_][stored.id]

    def merge(self, winner: Stored, loser: Stored) -> None:
        """The winner keeps what it has and takes what it lacks."""
        winner.fields = {
            **loser.fields,
            **{name: value for name, value in winner.fields.items() if value not in (None, "")},
        }
        winner.merged += [loser.id, *loser.merged]
        loser.merged_into = winner.id
        self.delete(loser)
        winner.changed = self.now
