"""What a run did, for people: kept while it goes on, so that one that was killed has told how far it came."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from perennia.providers.crm import Kind

REFUSALS_KEPT: Final = 20
RUN: Final = "run"


class Counts(msgspec.Struct, kw_only=True):
    """Customers and records by what became of them. ``unknown``: records that are no customer of ours."""

    taken: int = 0
    given: int = 0
    made_there: int = 0
    made_here: int = 0
    unknown: int = 0
    refused: int = 0
    gone: int = 0
    merged: int = 0
    erased: int = 0


class TaskCounts(msgspec.Struct, kw_only=True):
    """``given``: opened or ended there; ``taken``: ended there, and so here."""

    given: int = 0
    taken: int = 0


class Refusal(msgspec.Struct, frozen=True):
    """``why``: in our own words, without what the CRM said."""

    customer: str
    why: str


Kinds: TypeAlias = dict[Kind, Counts]


class SyncReport(msgspec.Struct, kw_only=True):
    """``ended`` None: under way, or given up; then ``failure`` says why."""

    started: datetime
    ended: datetime | None = None
    failure: str | None = None
    counts: Kinds = msgspec.field(default_factory=lambda: {"account": Counts(), "contact": Counts()})
    refusals: list[Refusal] = []
    tasks: TaskCounts = msgspec.field(default_factory=TaskCounts)

    def refuse(self, kind: Kind, customer: str, why: str) -> None:
        self.counts[kind].refused += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(Refusal(customer, why))


def written(report: SyncReport) -> str:
    return msgspec.json.encode(report).decode()


def read_report(text: str) -> SyncReport:
    return msgspec.json.decode(text, type=SyncReport)
