"""Holds what happened against what must follow, and says where they part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import TypeAlias, TypeVar

from perennia.catalog.scenario_models import (
    ApproveExpected,
    CrmExpected,
    EmailExpected,
    EmitExpected,
    EndedExpected,
    EnrolledExpected,
    EscalatedExpected,
    Expectation,
    NeverExpected,
    NotifyExpected,
    SkippedExpected,
    StageExpected,
    SurveyExpected,
    TaskExpected,
    WebhookExpected,
)
from perennia.catalog.scenario_models import Happening as HappeningExpected
from perennia.catalog.scenario_world import ANYTHING
from perennia.core.json_values import Json
from perennia.simulate.timeline import OUTWARD, Happening, Kind

Instant: TypeAlias = Callable[[str | datetime], datetime]
Shown = TypeVar("Shown", "Expected", Happening)


@dataclass(frozen=True)
class Expected:
    """One thing that must follow at ``at``, to the second; ``never``: that must not follow at all. ``*`` is anything.

    ``told``: what a write to the CRM, a request or a notice must say at least.
    """

    at: datetime | None
    kind: Kind
    subject: str
    code: str = ANYTHING
    playbook: str | None = None
    to: str | None = None
    never: bool = False
    contact: str | None = None
    told: Json = ANYTHING

    def matches(self, happening: Happening) -> bool:
        """Whether the happening is of this kind, its instant aside."""
        return (
            self.kind is happening.kind
            and self.subject in (ANYTHING, happening.subject, happening.source)
            and self.code in (ANYTHING, happening.code)
            and self.playbook in (None, happening.playbook)
            and self.to in (None, happening.to)
            and self.contact in (None, happening.contact)
            and _fits(self.told, happening.told)
        )

    def meets(self, happening: Happening) -> bool:
        """Whether it is this happening: the kind, and the second."""
        return self.matches(happening) and self.at is not None and _second(self.at) == _second(happening.at)

    def __str__(self) -> str:
        subject = self.playbook or "" if self.kind is Kind.ENDED else self.subject
        at = self.at or datetime.min  # noqa: DTZ901 - not shown
        told = self.told if isinstance(self.told, dict) else {}
        shown = Happening(at, self.kind, subject, self.code, to=self.to, contact=self.contact, told=told)
        return f"never {shown}" if self.never else str(shown)


def _fits(pattern: Json, value: Json) -> bool:
    """Whether ``value`` has everything that the pattern has."""
    match pattern, value:
        case "*", _:
            return True
        case dict(), dict():
            return all(name in value and _fits(part, value[name]) for name, part in pattern.items())
        case list(), list():
            return len(pattern) == len(value) and all(map(_fits, pattern, value))
        case _:
            return pattern == value


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


@dataclass(frozen=True)
class Difference:
    """Where expected and actual part: one of the two is None where the other has no counterpart."""

    expected: Expected | None
    actual: Happening | None

    @property
    def at(self) -> datetime | None:
        if self.actual is not None and (self.expected is None or self.expected.at is None):
            return self.actual.at
        return None if self.expected is None else self.expected.at


def expected_of(item: Expectation, instant: Instant) -> list[Expected]:
    """An item of ``expect`` with its instant worked out; several skipped steps are several expectations."""
    if isinstance(item, NeverExpected):
        found, contact = _expected(item.never, None, never=True), item.contact or item.never.contact
    else:
        found, contact = _expected(item, None if item.at is None else instant(item.at), never=False), item.contact
    return [replace(each, contact=contact) for each in found]


def _expected(item: HappeningExpected, at: datetime | None, *, never: bool) -> list[Expected]:
    match item:
        case EmailExpected():
            return [Expected(at, Kind.EMAIL, item.email, to=item.to, never=never)]
        case SurveyExpected():
            return [Expected(at, Kind.SURVEY, item.survey, never=never)]
        case TaskExpected():
            return [Expected(at, Kind.TASK, item.task, never=never)]
        case ApproveExpected() | CrmExpected() | WebhookExpected() | NotifyExpected() | EscalatedExpected():
            return [_outward(item, at, never=never)]
        case EmitExpected():
            return [Expected(at, Kind.EMIT, item.emit, never=never)]
        case StageExpected():
            return [Expected(at, Kind.STAGE, track, stage, never=never) for track, stage in item.stage.items()]
        case SkippedExpected():
            return [
                Expected(at, Kind.SKIPPED, step, reason, item.playbook, never=never)
                for step, reason in item.skipped.items()
            ]
        case EnrolledExpected():
            return [Expected(at, Kind.ENROLLED, item.enrolled, never=never)]
        case EndedExpected():
            return [Expected(at, Kind.ENDED, ANYTHING, item.ended, item.playbook, never=never)]


def _outward(
    item: ApproveExpected | CrmExpected | WebhookExpected | NotifyExpected | EscalatedExpected,
    at: datetime | None,
    *,
    never: bool,
) -> Expected:
    """A crm write may be named by its word alone, a request by its URL."""
    match item:
        case ApproveExpected():
            return Expected(at, Kind.APPROVE, item.approve, never=never)
        case CrmExpected():
            written: Json = item.crm if isinstance(item.crm, dict) else ANYTHING
            subject = next(iter(written)) if isinstance(written, dict) else str(item.crm)
            return Expected(at, Kind.CRM, subject, never=never, told=written)
        case WebhookExpected():
            request: Json = dict(item.webhook) if isinstance(item.webhook, dict) else ANYTHING
            url = str(request.pop("url", ANYTHING) if isinstance(request, dict) else item.webhook)
            return Expected(at, Kind.WEBHOOK, url, never=never, told=request)
        case NotifyExpected():
            told: Json = ANYTHING if item.text is None else {"text": item.text}
            return Expected(at, Kind.NOTIFY, item.notify, never=never, told=told)
        case EscalatedExpected():
            return Expected(at, Kind.ESCALATED, item.escalated, to=item.to, never=never)


def compare(actual: Sequence[Happening], expected: Sequence[Expected], *, strict: bool) -> list[Difference]:
    """Every difference, in order of time. ``strict``: outward effects must be exactly the expected ones, in order.

    One whose text could not be rendered never left: it may be expected (it was released) or not.
    """
    differences: list[Difference] = []
    wanted = [each for each in expected if not each.never]
    if strict:
        differences += _in_order(
            [each for each in actual if each.kind in OUTWARD], [each for each in wanted if each.kind in OUTWARD]
        )
        wanted = [each for each in wanted if each.kind not in OUTWARD]
    differences += _somewhere(actual, wanted)
    for never in (each for each in expected if each.never):
        differences += [Difference(never, each) for each in actual if never.matches(each)]
    return sorted(differences, key=_time)


def _time(difference: Difference) -> float:
    return 0.0 if difference.at is None else difference.at.timestamp()


def _somewhere(actual: Sequence[Happening], wanted: Sequence[Expected]) -> list[Difference]:
    """Each expectation takes a happening of its own."""
    free = list(actual)
    missing: list[Difference] = []
    for each in wanted:
        met = next((happening for happening in free if each.meets(happening)), None)
        if met is None:
            missing.append(Difference(each, None))
        else:
            free.remove(met)
    return missing


def _in_order(actual: Sequence[Happening], wanted: Sequence[Expected]) -> list[Difference]:
    """Both sequences side by side: the longest common one stays, the rest are differences.

    Of what one step does to several contacts in one second, the order is nobody's business.
    """
    wanted = sorted(wanted, key=lambda each: each.at.timestamp() if each.at is not None else 0.0)
    wanted, actual = _by_contact(wanted), _by_contact(actual)
    lengths = _common(actual, wanted)
    differences: list[Difference] = []
    here, there = 0, 0
    while here < len(actual) or there < len(wanted):
        if here < len(actual) and there < len(wanted) and wanted[there].meets(actual[here]):
            here, there = here + 1, there + 1
        elif there == len(wanted) or (here < len(actual) and lengths[here + 1][there] >= lengths[here][there + 1]):
            if not actual[here].unrendered:
                differences.append(Difference(None, actual[here]))
            here += 1
        else:
            differences.append(Difference(wanted[there], None))
            there += 1
    return differences


def _by_contact(events: Sequence[Shown]) -> list[Shown]:
    """The same, where neighbours that differ in their contact alone stand in the order of their contacts."""

    def alike(each: Shown) -> tuple[object, ...]:
        return (None if each.at is None else _second(each.at), each.kind, each.subject)

    runs = (list(run) for _, run in groupby(events, key=alike))
    return [each for run in runs for each in sorted(run, key=lambda each: each.contact or "")]


def _common(actual: Sequence[Happening], wanted: Sequence[Expected]) -> list[list[int]]:
    """``[i][j]``: the length of the longest common subsequence of ``actual[i:]`` and ``wanted[j:]``."""
    lengths = [[0] * (len(wanted) + 1) for _ in range(len(actual) + 1)]
    for here in range(len(actual) - 1, -1, -1):
        for there in range(len(wanted) - 1, -1, -1):
            if wanted[there].meets(actual[here]):
                lengths[here][there] = lengths[here + 1][there + 1] + 1
            else:
                lengths[here][there] = max(lengths[here + 1][there], lengths[here][there + 1])
    return lengths
