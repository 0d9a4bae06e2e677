"""A backtest in words: one column a draft, and how the load spreads over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from perennia.cli.speech import say, say_table
from perennia.core.json_values import Json, JsonObject
from perennia.simulate.reckoning import Figures
from perennia.simulate.reliving import Draft

BAR = 40  # columns of the longest bar
LONGEST_BY_DAY, LONGEST_BY_WEEK = 31, 31 * 7  # days; longer periods are shown by month


def in_json(drafts: Sequence[Draft], figures: Sequence[Figures], seconds: float) -> JsonObject:
    """For programs: all figures by day."""
    return {
        "playbook": drafts[0].playbook,
        "since": drafts[0].since.isoformat(),
        "until": drafts[0].until.isoformat(),
        "customers": figures[0].customers,
        "seconds": round(seconds, 2),
        "drafts": [_one(draft, each) for draft, each in zip(drafts, figures, strict=True)],
    }


def _one(draft: Draft, figures: Figures) -> JsonObject:
    return {
        "version": draft.version,
        "entered": {
            "enrollments": figures.entered.total(),
            "customers": figures.entrants,
            "per_day": _days(figures.entered),
        },
        "only_here": figures.alone,
        "refused": _ranked(figures.refused),
        "sent": {verb: {"total": days.total(), "per_day": _days(days)} for verb, days in sorted(figures.sent.items())},
        "by_step": _ranked(figures.by_step),
        "held": _ranked(figures.held),
        "skipped": _ranked(figures.skipped),
        "goals": figures.goals,
        "conversions": figures.conversions,
        "ended": _ranked(figures.ended),
        "load": {"busiest_day": _busiest(figures), "per_day": _days(figures.load)},
    }


def _ranked(counts: Counter[str]) -> dict[str, Json]:
    return {key: count for key, count in counts.most_common() if count}


def _days(counts: Mapping[str, int]) -> dict[str, Json]:
    return {day: count for day, count in sorted(counts.items()) if count}


def _busiest(figures: Figures) -> JsonObject | None:
    load = figures.load
    day = max(sorted(load), key=lambda each: load[each], default=None)
    return None if day is None or not load[day] else {"day": day, "count": load[day]}


# --- for people -----------------------------------------------------------------------------------------------------


def say_figures(drafts: Sequence[Draft], figures: Sequence[Figures], against: str | None, seconds: float) -> None:
    zone = ZoneInfo(drafts[0].catalog.policies.timezone)
    since, until = (at.astimezone(zone).date() for at in (drafts[0].since, drafts[0].until))
    say(f"{drafts[0].playbook}, as if published on {since}, up to {until} ({zone.key})", "bold")
    say(f"{figures[0].customers:,} customers in {seconds:.1f} s; nothing was touched")
    say()
    heads = ("", "THIS DRAFT") if against is None else ("", "THIS DRAFT", against.upper()[:24])
    say_table(heads, [(name, *(f"{number:,}" for number in numbers)) for name, numbers in _rows(figures)])
    for name, each in zip(heads[1:], figures, strict=True):
        if each.load.total():
            _say_load(name, each, since, until)


def _rows(figures: Sequence[Figures]) -> Iterator[tuple[str, list[int]]]:
    def row(name: str, number: Callable[[Figures], int]) -> tuple[str, list[int]]:
        return name, [number(each) for each in figures]

    def rows(what: str, counts: Callable[[Figures], Mapping[str, int]]) -> Iterator[tuple[str, list[int]]]:
        total: Counter[str] = sum((Counter(counts(each)) for each in figures), Counter[str]())
        for key, _ in total.most_common():
            yield f"{what}: {key}", [counts(each).get(key, 0) for each in figures]

    yield row("enrollments", lambda each: each.entered.total())
    yield row("customers enrolled", lambda each: each.entrants)
    if len(figures) > 1:
        yield row("  of them only here", lambda each: each.alone)
    yield from rows("refused", lambda each: each.refused)
    yield from rows("released", lambda each: {verb: days.total() for verb, days in each.sent.items()})
    yield from rows("  at step", lambda each: each.by_step)
    yield from rows("held", lambda each: each.held)
    yield from rows("skipped", lambda each: each.skipped)
    yield row("reached the goal", lambda each: each.goals)
    yield row("  in time to count", lambda each: each.conversions)
    yield from rows("ended", lambda each: each.ended)
    yield row("most on one day", lambda each: max(each.load.values(), default=0))


def _say_load(name: str, figures: Figures, since: date, until: date) -> None:
    """Everything that leaves, by day, week or month, whatever fits on a screen."""
    length = (until - since).days + 1
    unit, start_of = _unit(length)
    totals = Counter[date]()
    day = since
    while day <= until:
        totals[start_of(day)] += figures.load.get(day.isoformat(), 0)
        day += timedelta(days=1)
    most = max(totals.values())
    say()
    say(f"{name.lower()}: {figures.load.total() / length:,.1f} a day on average; by {unit}", "bold")
    for start, count in sorted(totals.items()):
        say(f"{start}  {count:>8,}  {'#' * -(-count * BAR // most)}".rstrip())


def _unit(days: int) -> tuple[str, Callable[[date], date]]:
    if days <= LONGEST_BY_DAY:
        return "day", lambda day: day
    if days <= LONGEST_BY_WEEK:
        return "week", lambda day: day - timedelta(days=day.weekday())
    return "month", lambda day: day.replace(day=1)
