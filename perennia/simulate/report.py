"""A failed scenario in words: expected and actual side by side, and the reason for the first difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from perennia.core.decisions import Act, Evidence, JournalEntry
from perennia.simulate.comparison import Difference, Expected
from perennia.simulate.scenarios import ScenarioResult
from perennia.simulate.timeline import Happening

WIDTH = 44
# A decision this near to the first difference is likely to be its reason.
NEAR = timedelta(days=1)


def report(result: ScenarioResult) -> str:
    """The timeline of a scenario that failed, for the person who wrote it. Times are the customer's."""
    lines = [f"{'':17}{'expected':<{WIDTH}} actual"]
    lines += _rows(result)
    lines += [f"  {reason}" for reason in _reasons(result)]
    return "\n".join(lines)


def _rows(result: ScenarioResult) -> Iterator[str]:
    missing = [each.expected for each in result.differences if each.expected is not None and each.actual is None]
    surplus = [each.actual for each in result.differences if each.actual is not None]
    rows: list[tuple[float, str]] = []
    for happening in result.actual:
        wrong = any(happening is each for each in surplus)
        left = "" if wrong else str(happening)
        mark = "+" if wrong else " "
        rows.append((happening.at.timestamp(), _row(result, happening.at, mark, left, str(happening))))
    rows += [
        (each.at.timestamp(), _row(result, each.at, "-", str(each), "")) for each in missing if each.at is not None
    ]
    for _, row in sorted(rows, key=lambda pair: pair[0]):
        yield row
    for difference in result.differences:
        if difference.expected is not None and difference.expected.never and difference.actual is not None:
            yield f"  must not happen: {difference.expected}"


def _row(result: ScenarioResult, at: datetime, mark: str, left: str, right: str) -> str:
    local = at.astimezone(result.zone).strftime("%m-%d %H:%M:%S")
    return f"{mark} {local}  {left:<{WIDTH}} {right}".rstrip()


def _reasons(result: ScenarioResult) -> list[str]:
    if not result.differences:
        return []
    first = result.differences[0]
    entry = _nearest(result, first)
    if entry is None:
        return ["nothing was decided: no trigger fired"]
    local = entry.at.astimezone(result.zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    words = f"{entry.playbook or 'stage'}: {entry.act} {entry.code}"
    if entry.step:
        words += f" at step {entry.step}"
    reasons = [f"first difference: {_of(first)}", f"what was decided nearest to it, at {local}: {words}"]
    reasons += [f"  {_evidence(each)}" for each in entry.evidence]
    return reasons


def _of(difference: Difference) -> str:
    expected: Expected | None = difference.expected
    actual: Happening | None = difference.actual
    if expected is None:
        return f"{actual} was not expected"
    if expected.never:
        return f"{actual}, which must never happen"
    return f"{expected} did not happen at its time"


def _nearest(result: ScenarioResult, difference: Difference) -> JournalEntry | None:
    """The decision that most likely explains the difference: of the same instant or before, refusals and ends first."""
    at = difference.at
    if at is None or not result.journal:
        return result.journal[-1] if result.journal else None
    before = [entry for entry in result.journal if entry.at <= at]
    if not before:
        return result.journal[0]
    telling = [
        entry
        for entry in before
        if entry.act in (Act.REFUSED, Act.ENDED, Act.STEP_ENDED, Act.HELD) and at - entry.at <= NEAR
    ]
    return (telling or before)[-1]


def _evidence(evidence: Evidence) -> str:
    seen = ", ".join(f"{name} = {value!r}" for name, value in evidence.values.items())
    verdict = f"error: {evidence.error}" if evidence.error else repr(evidence.value)
    return f"{evidence.expression}  ->  {verdict}" + (f"   ({seen})" if seen else "")
