"""What `check` says of health scores: their measures, their bands, and what they read."""

from __future__ import annotations

from perennia.catalog.inspection import Inspection, Standing
from perennia.catalog.yaml_source import Path
from perennia.core.definition_compiler import CUSTOMER_NAMES
from perennia.core.definitions import Health
from perennia.core.health_definitions import Measure

# What a health score has beside its measures: `health.ID.band`.
TAKEN = "band"


def check_health(inspection: Inspection, health: Health) -> frozenset[Standing]:
    """Adds to the inspection's findings. The tracks and health scores that its measures read."""
    reads: set[Standing] = set()
    seen: set[str] = set()
    for index, measure in enumerate(health.measures):
        path: Path = ("measures", index)
        _check_id(inspection, path, measure, seen)
        if measure.score.from_ == measure.score.to:
            message = '"from" and "to" are the same: there is nothing between them to measure'
            inspection.at_value((*path, "score", "to"), "wrong-value", message)
        where = (*path, "score", "value")
        expression = inspection.expression(where, measure.score.value, CUSTOMER_NAMES[health.scope])
        reads |= inspection.standings(where, expression, health.scope)
    starts = list(health.bands.values())
    if len(set(starts)) < len(starts):
        message = "two bands begin at the same score"
        inspection.at_key(("bands",), "wrong-value", message, "give each its own lowest score")
    return frozenset(reads)


def _check_id(inspection: Inspection, path: Path, measure: Measure, seen: set[str]) -> None:
    if measure.id in seen:
        message = f'the measure id "{measure.id}" is taken by an earlier measure'
        inspection.at_value((*path, "id"), "duplicate-id", message, "give one of them another id")
    if measure.id == TAKEN:
        message = f'a measure cannot be called "{TAKEN}": health.ID.{TAKEN} is the name of its band'
        inspection.at_value((*path, "id"), "bad-id", message, "give it another id")
    seen.add(measure.id)
