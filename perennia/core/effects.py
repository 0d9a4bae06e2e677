"""How an effect comes about: what all effects have in common, the names its texts may use, and its release."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypedDict

from perennia.core.decisions import Act, Effect
from perennia.core.deliberation import Deliberation
from perennia.core.json_values import JsonObject
from perennia.core.nodes import AnyNode
from perennia.core.outcomes import effect_key
from perennia.core.owners import owner_of
from perennia.core.state import Enrollment

# Shorter than the pause before a first retry. What a provider takes on any day to answer about the effect before moves no
# span: else the engine would decide otherwise than the simulator, where it takes no time at all.
PROMPTLY = timedelta(seconds=1)


class Origin(TypedDict):
    """What every effect tells of where it comes from (`EffectModel`)."""

    key: str
    at: datetime
    playbook: str
    version: str
    enrollment: str
    step: str
    priority: int


def origin(run: Deliberation, node: AnyNode, enrollment: Enrollment, *, priority: int | None = None) -> Origin:
    """Of this visit to the step, at this instant; without a priority of its own it has its playbook's."""
    return Origin(
        key=effect_key(run.state.customer, enrollment, node.id),
        at=run.instant,
        playbook=enrollment.playbook,
        version=enrollment.version,
        enrollment=enrollment.id,
        step=node.id,
        priority=run.book_of(enrollment).definition.priority if priority is None else priority,
    )


def text_names(run: Deliberation, enrollment: Enrollment) -> JsonObject:
    """The names that texts and templates may use (language, section 3), as they are at this instant."""
    facts = run.state.facts
    owner = owner_of(facts)
    if enrollment.errand is not None:
        account = facts.account or {}
        return {
            "traits": {name: value for name, value in account.items() if name != "id"},
            "contact": run.contact(),
            "account": account,
            "enter": enrollment.enter,
            "steps": dict(enrollment.steps),
            "stage": enrollment.errand.stages,
            "owner": None if owner is None else owner.described(),
        }
    return {
        "traits": dict(facts.traits),
        "contact": run.contact(),
        "account": facts.account if run.state.kind == "contact" else {**facts.traits, "id": facts.ref},
        "enter": enrollment.enter,
        "steps": dict(enrollment.steps),
        "stage": {
            **{track: stage for track, (stage, _since) in facts.account_stages.items()},
            **{track: stage.stage for track, stage in run.state.stages.items()},
        },
        "answers": {survey: response.told() for survey, response in facts.answers.items()},
        "health": {
            **{name: parts.get("") for name, parts in facts.account_healths.items()},
            **{name: health.score for name, health in run.state.healths.items()},
        },
        "owner": None if owner is None else owner.described(),
    }


def counts_from(run: Deliberation, enrollment: Enrollment) -> datetime:
    """The instant from which spans count that follow what is released now (language, section 5)."""
    return enrollment.base if run.instant - enrollment.base < PROMPTLY else run.instant


def emit(run: Deliberation, enrollment: Enrollment, node: AnyNode, effect: Effect, detail: JsonObject) -> None:
    """Releases the effect; the enrollment waits for its end. ``detail`` is what the journal tells of it."""
    run.effects.append(effect)
    enrollment.awaiting = effect.key
    enrollment.base = counts_from(run, enrollment)
    run.note(Act.RELEASED, node.verb, enrollment=enrollment, step=node.id, detail=detail)
