"""Where a customer stands: in each track, and when it moves; health scores are brought up to date between them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from perennia.core.decisions import Act, Reason, StageLockOrder, StageOrder
from perennia.core.deliberation import STILL_HOLDS, Deliberation, Look
from perennia.core.health import bring_up_to_date
from perennia.core.json_values import JsonObject
from perennia.core.nodes import CompiledHealth, CompiledStage, CompiledTrack
from perennia.core.state import StageLock, StageState


def update_standings(run: Deliberation) -> bool:
    """Looks at every track and health score of the customer's kind whose criteria may have changed, each after what it reads.

    True where any moved.
    """
    moved = False
    for standing in run.catalog.standings:
        if standing.definition.scope == run.state.kind:
            news = run.news(standing.key)
            if isinstance(standing, CompiledHealth):
                moved |= bring_up_to_date(run, standing, news)
            else:
                moved |= _move(run, standing, news)
    return moved


def _move(run: Deliberation, track: CompiledTrack, news: tuple[str, ...]) -> bool:
    looks = [_look(run, stage, news) for stage in track.stages]
    standing = _standing(run, track, looks)
    flipped = any(look.flipped for look in looks)
    if standing is not None and standing.lock is not None and not _is_over(run, standing.lock):
        if flipped and standing.held:
            run.state.stages[track.id] = msgspec.structs.replace(standing, held=False)
        return False
    if standing is not None and standing.look_again is not None and run.passed(standing.look_again):
        standing = _looked(run, track, standing, held=standing.held)
    elif standing is not None and not flipped and not any(look.first and look.holds for look in looks):
        return False
    if standing is not None and standing.held:
        if not flipped:
            return False
        standing = _looked(run, track, standing, held=False)
    target = _target(track, looks, standing)
    if target is None:
        return False
    if standing is not None and not target.end and _dwells(run, track, standing):
        return False
    _enter(run, track, target, standing, held=False, detail={})
    return True


def _look(run: Deliberation, stage: CompiledStage, news: tuple[str, ...]) -> Look:
    """A stage without a criterion always holds."""
    if stage.enter is None:
        return STILL_HOLDS
    return run.look(run.state.watches, stage.key, stage.enter, news)


def _standing(run: Deliberation, track: CompiledTrack, looks: Sequence[Look]) -> StageState | None:
    """Where the customer stands. In an end stage it is remembered what has turned true since, until it may be entered."""
    standing = run.state.stages.get(track.id)
    at = None if standing is None else track.positions.get(standing.stage)
    if standing is None or at is None or not track.stages[at].end:
        return standing
    newly = tuple(
        stage.id
        for stage, look in zip(track.stages, looks, strict=True)
        if look.holds and (look.flipped or look.first) and stage.id not in (standing.stage, *standing.opened)
    )
    if newly:
        standing = run.state.stages[track.id] = msgspec.structs.replace(standing, opened=(*standing.opened, *newly))
    return standing


def _looked(run: Deliberation, track: CompiledTrack, standing: StageState, *, held: bool) -> StageState:
    standing = msgspec.structs.replace(standing, held=held, look_again=None, lock=None)
    run.state.stages[track.id] = standing
    return standing


def _is_over(run: Deliberation, lock: StageLock) -> bool:
    return lock.until is not None and run.passed(lock.until)


def _target(track: CompiledTrack, looks: Sequence[Look], standing: StageState | None) -> CompiledStage | None:
    """The last stage that may be entered; None where that is none, or where the customer stands already."""
    candidates = [
        stage
        for position, (stage, look) in enumerate(zip(track.stages, looks, strict=True))
        if look.holds and _open(track, position, standing)
    ]
    if not candidates or (standing is not None and candidates[-1].id == standing.stage):
        return None
    return candidates[-1]


def _open(track: CompiledTrack, position: int, standing: StageState | None) -> bool:
    """Whether the track's way of moving allows this stage from where the customer stands."""
    at = None if standing is None else track.positions.get(standing.stage)
    if at is None or standing is None:
        return True
    if track.stages[at].end:
        return position == at or track.stages[position].id in standing.opened
    return track.definition.move == "any" or position >= at or track.stages[position].end


def _dwells(run: Deliberation, track: CompiledTrack, standing: StageState) -> bool:
    """Whether the dwell time suppresses a move now; it is looked at again when the dwell ends."""
    if track.min_dwell is None:
        return False
    until = run.calendar.after(standing.since, track.min_dwell)
    if run.instant >= until:
        return False
    run.state.stages[track.id] = msgspec.structs.replace(standing, held=False, look_again=until)
    return True


def _enter(
    run: Deliberation,
    track: CompiledTrack,
    stage: CompiledStage,
    standing: StageState | None,
    *,
    held: bool,
    detail: JsonObject,
) -> None:
    run.state.stages[track.id] = StageState(stage.id, run.instant, held)
    run.account_changed |= run.state.kind == "account"
    run.changed([f"stage:{track.id}"])
    run.moves.append((track.id, stage.id))
    evidence = tuple(run.explain(each.enter) for each in track.stages if each.enter is not None)
    from_ = None if standing is None else standing.stage
    run.note(
        Act.STAGE,
        stage.id,
        detail={"track": track.id, "version": track.version, "from": from_, **detail},
        evidence=evidence,
    )


def set_stage(run: Deliberation, track_id: str, stage_id: str, detail: JsonObject, *, by_person: bool = False) -> None:
    """Sets the stage by a step or a person: it holds until some criterion's truth changes.

    A person's hand also moves who is locked, which ends the lock; a step's does not.
    """
    track = run.catalog.tracks.get(track_id)
    position = None if track is None else track.positions.get(stage_id)
    if track is None or position is None:
        run.note(Act.IGNORED, stage_id, reason=Reason.UNKNOWN_STAGE, detail={"track": track_id, **detail})
        return
    standing = run.state.stages.get(track_id)
    if standing is not None and standing.lock is not None and not by_person:
        run.note(Act.IGNORED, stage_id, reason=Reason.STAGE_LOCKED, detail={"track": track_id, **detail})
        return
    if standing is not None and standing.stage == stage_id:
        run.state.stages[track_id] = msgspec.structs.replace(standing, held=True, look_again=None, lock=None)
        return
    _enter(run, track, track.stages[position], standing, held=True, detail=detail)


def stage_ordered(run: Deliberation, order: StageOrder) -> None:
    set_stage(run, order.track, order.stage, {"by": order.by}, by_person=True)


def lock_ordered(run: Deliberation, order: StageLockOrder) -> None:
    """Locks the stage where the customer stands, or unlocks it: then it is looked at again at once."""
    standing = run.state.stages.get(order.track)
    detail: JsonObject = {"track": order.track, "by": order.by}
    if standing is None or order.track not in run.catalog.tracks:
        run.note(Act.IGNORED, "lock" if order.locked else "unlock", reason=Reason.UNKNOWN_STAGE, detail=detail)
        return
    lock = StageLock(order.by, order.until, order.why) if order.locked else None
    until = order.until if order.locked else run.instant
    run.state.stages[order.track] = msgspec.structs.replace(standing, lock=lock, look_again=until)
    told: JsonObject = {"until": None if order.until is None else order.until.isoformat(), "why": order.why}
    detail |= {"stage": standing.stage, **{name: value for name, value in told.items() if value is not None}}
    run.note(Act.ORDER, "lock" if order.locked else "unlock", detail=detail)
