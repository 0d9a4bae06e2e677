"""Health scores: brought up to date at once where an input of theirs moved, by time alone on the hour (language, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction

from perennia.core.calendar import HOUR_US, MICROSECOND, instant, microseconds
from perennia.core.decisions import Act
from perennia.core.deliberation import Deliberation
from perennia.core.expressions import Verdict
from perennia.core.health_definitions import MeasureScore
from perennia.core.json_values import Json, JsonObject
from perennia.core.nodes import CompiledHealth
from perennia.core.state import HealthState, Watch

UNKNOWN = HealthState()
# Scores are exact fractions until here: what is left is the noise of decimals that are no binary fractions.
DECIMALS = 6
ONE_HOUR = timedelta(hours=1)


def bring_up_to_date(run: Deliberation, health: CompiledHealth, news: tuple[str, ...]) -> bool:
    """Works the score out anew where something it depends on changed, or its hour has come. True where it moved."""
    known = run.state.watches.get(health.key)
    if known is not None and not run.stale(known, news):
        return False
    verdicts = {measure.id: measure.value.evaluate(run.view()) for measure in health.measures}
    run.state.watches[health.key] = _watch(run, verdicts)
    before = run.state.healths.get(health.id)
    now = _score(health, verdicts)
    if now == before:
        return False
    run.state.healths[health.id] = now
    run.changed([f"health:{health.id}", "health:"])
    run.account_changed |= health.id in run.catalog.felt_by_contacts
    if now.band != (before or UNKNOWN).band:
        _tell(run, health, before, now)
    return True


def _watch(run: Deliberation, verdicts: Mapping[str, Verdict]) -> Watch:
    changes = [verdict.next_change for verdict in verdicts.values() if verdict.next_change is not None]
    watching = frozenset[str]().union(*(verdict.watching for verdict in verdicts.values()))
    due = next_hour(min(changes), run) if changes else None
    return Watch(next_change=due, watching=tuple(sorted(watching)))


def next_hour(earliest: datetime, run: Deliberation) -> datetime:
    """The first instant not before ``earliest`` at which the customer's clocks show a full hour."""
    moment = earliest
    while True:
        local = moment.astimezone(run.calendar.zone)
        offset = (local.utcoffset() or timedelta(0)) // MICROSECOND
        past = (microseconds(moment) + offset) % HOUR_US
        if past == 0:
            return moment
        # Again from there: an offset may change in between, in a few places by half an hour.
        moment = instant(microseconds(moment) + HOUR_US - past)


def _score(health: CompiledHealth, verdicts: Mapping[str, Verdict]) -> HealthState:
    """The weighted mean of what is there; missing where nothing is."""
    scores = {measure.id: _points(measure.score, verdicts[measure.id]) for measure in health.measures}
    total, weights = Fraction(0), Fraction(0)
    for measure in health.measures:
        points = scores[measure.id]
        if points is None and measure.missing == "skip":
            continue
        weights += Fraction(measure.weight)
        total += Fraction(measure.weight) * (points or 0)
    score = None if not weights else _rounded(total / weights)
    measures = {name: None if points is None else _rounded(points) for name, points in scores.items()}
    return HealthState(score, None if score is None else health.band_of(score), measures)


def _points(score: MeasureScore, verdict: Verdict) -> Fraction | None:
    """From 0 to 100; None where the value is no number. True counts as 1, false as 0."""
    value = verdict.value
    if verdict.error is not None or not isinstance(value, int | float):
        return None
    low, high = Fraction(score.from_), Fraction(score.to)
    return min(max((Fraction(value) - low) * 100 / (high - low), Fraction(0)), Fraction(100))


def _rounded(points: Fraction) -> float:
    rounded = round(float(points), DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded


def _tell(run: Deliberation, health: CompiledHealth, before: HealthState | None, now: HealthState) -> None:
    """Notes the band, with what every measure had to do with it."""
    detail: JsonObject = {
        "health": health.id,
        "version": health.version,
        "score": now.score,
        "from": (before or UNKNOWN).band,
        "was": (before or UNKNOWN).score,
        "measures": contributions(health, now),
    }
    evidence = tuple(run.explain(measure.value) for measure in health.measures)
    run.note(Act.HEALTH, now.band or "none", detail=detail, evidence=evidence)


def contributions(health: CompiledHealth, now: HealthState) -> dict[str, Json]:
    """By measure: its own score and weight, and how many points of the whole score it brought (None: it is left out)."""
    counted = {
        measure.id: Fraction(measure.weight)
        for measure in health.measures
        if now.measures.get(measure.id) is not None or measure.missing == "0"
    }
    total = sum(counted.values(), Fraction(0))
    told: dict[str, Json] = {}
    for measure in health.measures:
        points = now.measures.get(measure.id)
        share = counted.get(measure.id)
        told[measure.id] = {
            "score": points,
            "weight": measure.weight,
            "points": None if share is None else _rounded(Fraction(points or 0) * share / total),
        }
    return told
