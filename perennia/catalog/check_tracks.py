"""What `check` says of tracks: their stages, their criteria, and circles among them and health scores."""

from __future__ import annotations

from collections.abc import Mapping

from perennia.catalog.inspection import Inspection, Standing
from perennia.catalog.yaml_source import Path
from perennia.core.definition_compiler import CUSTOMER_NAMES
from perennia.core.definitions import StageModel, Track


def check_track(inspection: Inspection, track: Track) -> frozenset[Standing]:
    """Adds to the inspection's findings. The tracks and health scores that its criteria read."""
    inspection.span(("min_dwell",), track.min_dwell)
    reads: set[Standing] = set()
    seen: set[str] = set()
    for index, stage in enumerate(track.stages):
        path = ("stages", index)
        if stage.id in seen:
            message = f'the stage id "{stage.id}" is taken by an earlier stage of this track'
            inspection.at_value((*path, "id"), "duplicate-id", message, "give one of them another id")
        seen.add(stage.id)
        if stage.end and stage.enter is None:
            message = f'the end stage "{stage.id}" needs "enter": without it everybody would be there'
            inspection.at_key((*path, "end"), "missing-key", message)
        _check_lateness(inspection, path, stage)
        expression = inspection.expression((*path, "enter"), stage.enter, CUSTOMER_NAMES[track.scope])
        reads |= inspection.standings((*path, "enter"), expression, track.scope)
    return frozenset(reads)


def _check_lateness(inspection: Inspection, path: Path, stage: StageModel) -> None:
    expected = inspection.span((*path, "expected"), stage.expected)
    stuck = inspection.span((*path, "stuck"), stage.stuck)
    for key in ("expected", "stuck"):
        if stage.end and getattr(stage, key) is not None:
            message = f'the end stage "{stage.id}" stops the clock: nobody is late in it'
            inspection.at_key((*path, key), "misplaced-key", message)
    if expected is None or stuck is None or expected.business_days or stuck.business_days:
        return
    if stuck.length_us <= expected.length_us:
        message = f'"stuck" must be longer than "expected", which is {expected.text}'
        inspection.at_value((*path, "stuck"), "wrong-value", message)


def check_circles(inspections: Mapping[Standing, Inspection], reads: Mapping[Standing, frozenset[Standing]]) -> None:
    """Refuses tracks and health scores that read each other in a circle, one that reads itself included."""
    for standing, inspection in inspections.items():
        circle = _way_back(standing, reads)
        if not circle:
            continue
        code, what, names = "circular-tracks", "the criteria of these tracks", [name for _, name in circle]
        if any(kind == "health" for kind, _ in circle):
            code, what, names = "circular-health", "these", [f"{kind} {name}" for kind, name in circle]
        message = f"{what} read each other in a circle: {' -> '.join(names)}"
        inspection.at_value((standing[0],), code, message, "let one of them decide without the other")


def _way_back(start: Standing, reads: Mapping[Standing, frozenset[Standing]]) -> list[Standing]:
    """The shortest way from one to itself, empty where there is none."""
    ways = [[start, each] for each in sorted(reads.get(start, ()))]
    visited: set[Standing] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == start:
            return way
        if way[-1] not in visited:
            visited.add(way[-1])
            ways += [[*way, each] for each in sorted(reads.get(way[-1], ()))]
    return []
