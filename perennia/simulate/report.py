"""A failed scenario in words: expected and actual side by side, and the reason for the first difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from perennia.core.calendar import Calendar, Span
from perennia.core.decisions import Act, JournalEntry
from perennia.simulate.comparison import Difference, Expected
from perennia.simulate.scenarios import ScenarioResult
from perennia.simulate.timeline import Happening, Kind
from perennia.why.evidence import local_time
from perennia.why.wording import put_in_words

# Wider cells are cut: two of these and a time fit on most screens.
WIDTH = 56
NOTHING = "-"
# A decision this near to the first difference is likely to be its reason.
NEAR = timedelta(days=1)


def report(result: ScenarioResult) -> str:
    """The timeline of a scenario that failed, for the person who wrote it. Times are the customer's."""
    result = _without_the_obvious(result)
    rows = _rows(result)
    told = [row for row in rows if not row.aside]
    return "\n".join([*_table(told), *_left_out(len(rows) - len(told)), *_forbidden(result), "", *explanation(result)])


def _without_the_obvious(result: ScenarioResult) -> ScenarioResult:
    """Where only one contact is there, nobody needs to read its name in every row."""
    if len({each.contact for each in result.actual}) > 1 or any(each.contact for each in result.expected):
        return result
    plain = {id(each): replace(each, contact=None) for each in result.actual}
    differences = [
        replace(each, actual=None if each.actual is None else plain[id(each.actual)]) for each in result.differences
    ]
    return replace(result, actual=tuple(plain.values()), differences=tuple(differences))


def explanation(result: ScenarioResult) -> list[str]:
    """What the first difference is, and the decision that most likely is its reason."""
    result = _without_the_obvious(result)
    if not result.differences:
        return []
    first = result.differences[0]
    lines = [f"First difference: {_of(first, result)}."]
    entry = _reason(result, first)
    if entry is None:
        return [*lines, "Nothing was decided: no trigger fired."]
    told = put_in_words(entry, result.zone)
    subject = told.subject.partition(" (")[0]  # the version says nothing here: there is only one
    if first.at is not None and entry.at > first.at:
        lines.append(f"Why: it stood at {subject} then, until {told.when}: {told.text}")
    else:
        lines.append(f"Why: {told.when}  {subject}: {told.text}")
    lines += [f"     {because}" for because in told.because]
    return [*lines, *(f"     to change that: {each}" for each in told.needed)]


def after_start(at: datetime, start: datetime, calendar: Calendar) -> str:
    """The instant as a scenario writes it, a span from its start: ``2d6h``. `NOTHING` before it."""
    if at < start:
        return NOTHING
    days = max((at.astimezone(calendar.zone).date() - start.astimezone(calendar.zone).date()).days, 0)
    while days and calendar.after(start, Span(days, 0, timedelta(), "")) > at:
        days -= 1
    rest = int((at - calendar.after(start, Span(days, 0, timedelta(), ""))).total_seconds())
    return _span(days, rest)


def _span(days: int, seconds: int) -> str:
    parts = [(days, "d"), (seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0d"


# --- the two timelines ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """``aside``: nobody asked about it."""

    at: datetime
    after: str
    when: str
    expected: str
    actual: str
    wrong: bool
    aside: bool = False


def _rows(result: ScenarioResult) -> list[_Row]:
    surplus = [each.actual for each in result.differences if each.actual is not None]
    missing = _missing(result)
    open_ = [each for each in result.expected if not each.never]
    rows: list[_Row] = []
    for happening in result.actual:
        if any(happening is each for each in surplus):
            instead = next((each for each in missing if _in_place_of(happening, each)), None)
            missing = [each for each in missing if each is not instead]
            left = NOTHING if instead is None else str(instead)
            rows.append(_row(result, happening.at, left, str(happening), wrong=True))
            continue
        met = next((each for each in open_ if each.meets(happening)), None)
        if met is not None:
            open_.remove(met)
        row = _row(result, happening.at, "" if met is None else str(met), str(happening), wrong=False)
        rows.append(replace(row, aside=met is None and _is_aside(happening, result)))
    rows += [_row(result, each.at, str(each), NOTHING, wrong=True) for each in missing if each.at is not None]
    return sorted(rows, key=lambda row: row.at)


def _in_place_of(actual: Happening, expected: Expected) -> bool:
    """Something of the kind that was expected at that very second."""
    same = expected.kind is actual.kind and expected.contact in (None, actual.contact)
    return same and expected.at is not None and int(expected.at.timestamp()) == int(actual.at.timestamp())


def _is_aside(happening: Happening, result: ScenarioResult) -> bool:
    """A move in a track that neither the scenario nor its playbook names, or what a track raises by itself."""
    if happening.kind is Kind.EMIT:
        return happening.playbook is None
    return happening.kind is Kind.STAGE and happening.subject not in result.tracks


def _left_out(count: int) -> Iterator[str]:
    if count:
        moves = "1 move" if count == 1 else f"{count} moves"
        yield f"    (left out: {moves} in tracks that the scenario does not name)"


def _row(result: ScenarioResult, at: datetime, left: str, right: str, *, wrong: bool) -> _Row:
    when = local_time(at, result.zone)
    return _Row(at, after_start(at, result.start, result.calendar), when, left, right, wrong)


def _table(rows: Sequence[_Row]) -> Iterator[str]:
    """Three columns; what differs has a mark in front."""
    after = _width((row.after for row in rows), "at")
    when = _width((row.when for row in rows), "")
    left = _width((row.expected for row in rows), "expected")
    yield f"    {'at':<{after}}  {'':<{when}}  {'expected':<{left}}  what happened"
    for row in rows:
        mark = "x" if row.wrong else " "
        cells = f"{row.after:<{after}}  {row.when:<{when}}  {_cut(row.expected):<{left}}  {_cut(row.actual)}"
        yield f"  {mark} {cells}".rstrip()


def _width(cells: Iterable[str], head: str) -> int:
    return max(len(head), *(len(_cut(cell)) for cell in cells), 0)


def _cut(cell: str) -> str:
    return cell if len(cell) <= WIDTH else f"{cell[: WIDTH - 4]} ..."


def _forbidden(result: ScenarioResult) -> Iterator[str]:
    for difference in result.differences:
        if difference.expected is not None and difference.expected.never and difference.actual is not None:
            yield f"    must not happen: {str(difference.expected).removeprefix('never ')}"


# --- the reason -----------------------------------------------------------------------------------------------------


def _of(difference: Difference, result: ScenarioResult) -> str:
    expected, actual = difference.expected, difference.actual
    if expected is None or expected.never:
        assert actual is not None  # noqa: S101 (a difference has one of the two)
        words = f"{actual} happened {_moment(actual.at, result)}"
        if expected:
            return f"{words}, which must never happen"
        wanted = _elsewhere(actual, result)
        if wanted is not None:
            return f"{words} and was expected {_moment(wanted.at, result)}"
        replaced = next((each for each in _missing(result) if _in_place_of(actual, each)), None)
        return f"{words} in place of {replaced}" if replaced else f"{words} and was not expected"
    words = f"{expected} was expected {_moment(expected.at, result)}"
    moved = _instead(expected, result)
    if moved is not None:
        return f"{words} and happened {_moment(moved.at, result)}"
    other = next((each for each in _surplus(result) if _in_place_of(each, expected)), None)
    return f"{words} and did not happen, but {other}" if other else f"{words} and did not happen"


def _surplus(result: ScenarioResult) -> list[Happening]:
    return [each.actual for each in result.differences if each.expected is None and each.actual is not None]


def _missing(result: ScenarioResult) -> list[Expected]:
    return [each.expected for each in result.differences if each.expected is not None and each.actual is None]


def _moment(at: datetime | None, result: ScenarioResult) -> str:
    return "" if at is None else f"at {after_start(at, result.start, result.calendar)} ({local_time(at, result.zone)})"


def _instead(expected: Expected, result: ScenarioResult) -> Happening | None:
    """The same at another instant."""
    return next((each for each in _surplus(result) if expected.matches(each)), None)


def _elsewhere(actual: Happening, result: ScenarioResult) -> Expected | None:
    """The same expected at another instant."""
    return next((each for each in _missing(result) if each.matches(actual)), None)


def _reason(result: ScenarioResult, difference: Difference) -> JournalEntry | None:
    """The decision that most likely explains the difference."""
    if not result.journal:
        return None
    if difference.expected is None or difference.expected.never:
        return _what_led_to(result, difference.actual)
    return _what_kept(result, difference.expected)


def _what_led_to(result: ScenarioResult, actual: Happening | None) -> JournalEntry | None:
    """The decision of the same playbook before it: the end of a wait, the branch, the entry."""
    if actual is None:
        return None
    at_or_before = [entry for entry in result.journal if entry.at <= actual.at and entry.act is not Act.RELEASED]
    own = [
        entry
        for entry in at_or_before
        if entry.playbook == actual.playbook
        and entry.act in (Act.ENTERED, Act.STEP_ENDED, Act.ENDED)
        and not (entry.at == actual.at and entry.detail.get("verb") in ("email", "task"))
    ]
    if actual.kind is Kind.STAGE:
        own = [entry for entry in at_or_before if entry.act is Act.STAGE and entry.code == actual.code]
    return (own or at_or_before or list(result.journal))[-1]


def _what_kept(result: ScenarioResult, expected: Expected) -> JournalEntry:
    """What became of the very step; else the refusal or end before it; else where it stood then; else the last decision."""
    before = [entry for entry in result.journal if expected.at is None or entry.at <= expected.at]
    if expected.kind is Kind.STAGE:
        own = [entry for entry in before if entry.act is Act.STAGE and entry.detail.get("track") == expected.subject]
        return (own or before or list(result.journal[:1]))[-1]
    steps = result.sources.get(expected.subject, frozenset())
    about = (Act.STEP_ENDED, Act.HELD)
    own = [entry for entry in before if (entry.playbook, entry.step) in steps and entry.act in about]
    if own and (own[-1].reason is not None or own[-1].act is Act.HELD):
        return own[-1]
    books = {playbook for playbook, _ in steps} | {expected.playbook, expected.subject}
    closing = [entry for entry in before if entry.act in (Act.REFUSED, Act.ENDED) and entry.playbook in books]
    if closing:
        return closing[-1]
    telling = [entry for entry in before if entry.act in (Act.REFUSED, Act.ENDED, *about)]
    near = [entry for entry in telling if expected.at is None or expected.at - entry.at <= NEAR]
    unwilling = [entry for entry in near if entry.reason is not None]
    if unwilling:
        return unwilling[-1]
    later = [entry for entry in result.journal if entry not in before and entry.playbook in books]
    stood = [entry for entry in later if entry.act in (Act.STEP_ENDED, Act.ENDED)]
    return next(iter(stood), (near or telling or before or list(result.journal[:1]))[-1])
