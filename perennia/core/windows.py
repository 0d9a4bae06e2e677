"""Which occurrences lie inside a span, and when each leaves it.

Membership is forward: an occurrence E is inside from E until before E + span. Over a repeated hour and over weekends a later
occurrence may leave earlier (`Calendar.after`); wherever that is possible here, each is looked at by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import fsum

from perennia.core.calendar import DAY_US, Calendar, Span, calm_offset

# An occurrence: microseconds since 1970 UTC, and its value (`Tally.recent`). Always in ascending order.
Occurrences = Sequence[tuple[int, float]]


def leaves_in_order(occurrence: int, span: Span, calendar: Calendar) -> bool:
    """Whether everything earlier than this occurrence surely leaves no later, and everything later no earlier."""
    if span.business_days:
        return False
    return not span.days or calm_offset(calendar.zone, occurrence // DAY_US) is not None


def kth_departure(recent: Occurrences, k: int, span: Span, calendar: Calendar) -> int:
    """When the number inside falls below ``k``: the departure of the kth from last to leave. There are at least ``k``."""
    us = recent[-k][0]
    if leaves_in_order(us, span, calendar):
        return calendar.after_us(us, span)
    return sorted(calendar.after_us(each, span) for each, _ in recent)[-k]


def departures(recent: Occurrences, now: int, span: Span, calendar: Calendar) -> list[tuple[int, float]]:
    """Departure and value of each occurrence inside, first to leave first."""
    first = _first_inside(recent, now, span, calendar) or 0
    inside = ((calendar.after_us(us, span), value) for us, value in recent[first:])
    return sorted(each for each in inside if each[0] > now)


def number_inside(recent: Occurrences, now: int, span: Span, calendar: Calendar) -> tuple[int, int | None]:
    """How many are inside, and when the first of them leaves."""
    first = _first_inside(recent, now, span, calendar)
    if first is None:
        inside = departures(recent, now, span, calendar)
        return len(inside), inside[0][0] if inside else None
    number = len(recent) - first
    return number, calendar.after_us(recent[first][0], span) if number else None


def _first_inside(recent: Occurrences, now: int, span: Span, calendar: Calendar) -> int | None:
    """The place from which on all are inside and before which none is; None where order does not tell."""
    if span.business_days:
        return None
    first = bisect_left(recent, True, key=lambda each: calendar.after_us(each[0], span) > now)
    beside = recent[max(first - 1, 0) : first + 1]
    return first if all(leaves_in_order(us, span, calendar) for us, _ in beside) else None


def sums_as_they_leave(values: Sequence[float]) -> list[float]:
    """The sum of all, without the first, without the first two ... and of none: each exact, then rounded once.

    A sum that depended on the order of additions could differ between two looks at the same occurrences.
    """
    partials: list[float] = []
    sums = [0.0]
    for value in reversed(values):
        _add(partials, value)
        sums.append(fsum(partials))
    return sums[::-1]


def _add(partials: list[float], value: float) -> None:
    """Adds to a sum kept as numbers that do not overlap (J. R. Shewchuk, Adaptive Precision Floating-Point, 1997)."""
    kept = 0
    for partial in partials:
        large, small = (value, partial) if abs(value) >= abs(partial) else (partial, value)
        value = large + small
        rest = small - (value - large)
        if rest:
            partials[kept] = rest
            kept += 1
    partials[kept:] = [value]


def merged(tallies: Iterable[Occurrences]) -> Occurrences:
    """The occurrences of several tallies as of one."""
    present = [recent for recent in tallies if recent]
    if len(present) == 1:
        return present[0]
    return sorted(each for recent in present for each in recent)
