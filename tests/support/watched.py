"""A customer for tests of expressions: events at minutes after a start, and an evaluation at any instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from perennia.core.calendar import Calendar
from perennia.core.decisions import CustomerEvent
from perennia.core.expressions import Expression, Verdict, View, compile_expression
from perennia.core.facts import Facts, absorb, tally_needs
from perennia.core.json_values import Json

ALL_NAMES = frozenset({"traits", "account", "contact", "enter", "event", "steps", "stage", "health", "answers"})
FIRST_SEEN = datetime(2026, 1, 1, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def expression(text: str) -> Expression:
    return compile_expression(text, names=ALL_NAMES)


@dataclass
class Watched:
    """One expression and the customer it is asked about."""

    text: str
    zone: ZoneInfo = UTC_ZONE
    first_seen: datetime = FIRST_SEEN
    traits: dict[str, Json] = field(default_factory=dict[str, Json])
    names: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    stages: dict[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        self.expression = expression(self.text)
        self.needs = tally_needs([self.expression])
        self.calendar = Calendar(zone=self.zone, workspace=self.zone, holidays=self.holidays)
        self.facts = Facts(ref="ana", first_seen=self.first_seen, traits=dict(self.traits))

    def sees(self, *instants: datetime, name: str = "A", amount: Json = 1) -> Watched:
        for at in instants:
            self.absorbs(CustomerEvent(at=at, name=name, properties={"amount": amount}))
        return self

    def absorbs(self, *events: CustomerEvent) -> None:
        for event in events:
            absorb(self.facts, event, self.needs, self.calendar)

    def view(self, now: datetime) -> View:
        return View(now=now, facts=self.facts, calendar=self.calendar, names=self.names, stages=self.stages)

    def at(self, now: datetime) -> Verdict:
        return self.expression.evaluate(self.view(now))

    def meant(self, now: datetime) -> Json:
        """The value as a condition takes it: an error is false."""
        verdict = self.at(now)
        return False if verdict.error is not None else verdict.value

    def first_difference(self, now: datetime, instants: Iterable[datetime]) -> datetime | None:
        """The first of ``instants`` after ``now`` at which the value is another one."""
        before = self.meant(now)
        return next((each for each in sorted(set(instants)) if each > now and self.meant(each) != before), None)


def days(count: float) -> datetime:
    """So many days of 24 hours after the first sight."""
    return FIRST_SEEN + timedelta(days=count)
