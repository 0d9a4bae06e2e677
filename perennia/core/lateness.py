"""Customers who stay in a stage longer than expected: behind, then stuck, each an event at its instant (language, section 7)."""

from __future__ import annotations

import msgspec

from perennia.core.decisions import Act, CustomerEvent
from perennia.core.deliberation import ZONE_TRAIT, Deliberation
from perennia.core.json_values import JsonObject
from perennia.core.nodes import CompiledTrack
from perennia.core.state import StageState, Watch

BEHIND = "Stage Behind"
STUCK = "Stage Stuck"


def key_of(track: str) -> str:
    """The name of the track's watch in a customer's state."""
    return f"{track}/lateness"


def raise_lateness(run: Deliberation) -> bool:
    """Raises the events of those who are late now and still in the stage. True where it raised any."""
    news = run.news("lateness")
    raised = False
    for track in run.catalog.tracks.values():
        standing = run.state.stages.get(track.id)
        if standing is None or not track.may_be_late or track.definition.scope != run.state.kind:
            continue
        known = run.state.watches.get(key_of(track.id))
        if known is None or run.stale(known, news):
            raised |= _look(run, track, standing)
    return raised


def _look(run: Deliberation, track: CompiledTrack, standing: StageState) -> bool:
    """Each event once a stay; spans count from when the stage was entered, in the customer's zone as it is now."""
    position = track.positions.get(standing.stage)
    stage = None if position is None else track.stages[position]
    spans = () if stage is None else ((BEHIND, stage.expected), (STUCK, stage.stuck))
    due = {
        event: run.calendar.after(standing.since, span)
        for event, span in spans
        if span is not None and event not in standing.raised
    }
    late = [event for event, instant in due.items() if run.passed(instant)]
    for event in late:
        _raise(run, track, standing, event)
    raised = (*standing.raised, *late)
    run.state.stages[track.id] = msgspec.structs.replace(standing, raised=raised)
    waiting = [instant for event, instant in due.items() if event not in late]
    watching = (f"stage:{track.id}", ZONE_TRAIT)
    run.state.watches[key_of(track.id)] = Watch(next_change=min(waiting, default=None), watching=watching)
    return bool(late)


def _raise(run: Deliberation, track: CompiledTrack, standing: StageState, event: str) -> None:
    properties: JsonObject = {"track": track.id, "stage": standing.stage, "since": standing.since.isoformat()}
    run.emitted.append(CustomerEvent(at=run.instant, name=event, properties=properties))
    run.note(Act.RAISED, event, detail={**properties, "version": track.version})
