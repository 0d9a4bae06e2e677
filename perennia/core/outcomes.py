"""How a step ends: its outcome is noted, its result kept, and the enrollment told where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from perennia.core.decisions import Act, Evidence, Outcome, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.entries import end
from perennia.core.expressions import Expression
from perennia.core.json_values import Json, JsonObject
from perennia.core.nodes import AnyNode, ApproveNode, OutwardNode
from perennia.core.state import Enrollment


class Onward(NamedTuple):
    """Where the enrollment goes next (None: it is completed) and the instant its next span counts from."""

    target: str | None
    base: datetime


class Unworkable(NamedTuple):
    """A value that could not be worked out: whose it is, and what its expression met."""

    name: str
    evidence: Evidence


def work_out(
    run: Deliberation, enrollment: Enrollment, values: Sequence[tuple[str, Expression | Json]]
) -> JsonObject | Unworkable:
    """All of the values, or the first that cannot be worked out."""
    if enrollment.errand is not None:
        return dict(enrollment.errand.values)
    found: JsonObject = {}
    for name, value in values:
        if not isinstance(value, Expression):
            found[name] = value
            continue
        verdict = value.evaluate(run.view(enrollment))
        if verdict.error is not None:
            return Unworkable(name, run.explain(value, enrollment))
        found[name] = verdict.value
    return found


def effect_key(customer: str, enrollment: Enrollment, step: str) -> str:
    """The idempotency key of this visit's effect: ``customer/enrollment/step/visit``."""
    return f"{customer}/{enrollment.id}/{step}/{enrollment.visits.get(step, 0)}"


class EffectKey(NamedTuple):
    """The parts of an `effect_key`."""

    enrollment: str
    step: str
    visit: int


def parse_effect_key(key: str) -> EffectKey | None:
    """Its parts; None for what is none. The customer's id before them may be of any form."""
    parts = key.rsplit("/", 3)
    return EffectKey(parts[1], parts[2], int(parts[3])) if len(parts) == 4 and parts[3].isdecimal() else None


def learn(run: Deliberation, enrollment: Enrollment, step: str, results: JsonObject) -> None:
    """Keeps what is known of a step now, in place of what was; expressions that read it are looked at again."""
    enrollment.steps[step] = results
    run.changed([f"steps:{enrollment.id}"])


def finish(
    run: Deliberation,
    enrollment: Enrollment,
    node: AnyNode,
    outcome: Outcome,
    *,
    reason: str | None = None,
    result: JsonObject | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> None:
    """Notes the step's outcome and keeps its result for the expressions that come after."""
    results: JsonObject = {"outcome": str(outcome), **(result or {})}
    if reason is not None:
        results["reason"] = reason
    learn(run, enrollment, node.id, results)
    run.note(
        Act.STEP_ENDED,
        outcome,
        enrollment=enrollment,
        step=node.id,
        reason=reason,
        detail={"verb": node.verb, **(result or {})},
        evidence=evidence,
    )


def done(
    run: Deliberation,
    enrollment: Enrollment,
    node: AnyNode,
    *,
    result: JsonObject | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> Onward:
    finish(run, enrollment, node, Outcome.DONE, result=result, evidence=evidence)
    return Onward(node.next, enrollment.base)


def skipped(
    run: Deliberation, enrollment: Enrollment, node: AnyNode, reason: str, evidence: tuple[Evidence, ...] = ()
) -> Onward:
    finish(run, enrollment, node, Outcome.SKIPPED, reason=reason, evidence=evidence)
    return Onward(node.next, enrollment.base)


def failed(
    run: Deliberation,
    enrollment: Enrollment,
    node: AnyNode,
    reason: str,
    *,
    result: JsonObject | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> Onward | None:
    finish(run, enrollment, node, Outcome.FAILED, reason=reason, result=result, evidence=evidence)
    if isinstance(node, OutwardNode) and node.fatal:
        end(run, enrollment, Reason.STEP_FAILED)
        return None
    # Nobody could be asked: nothing was allowed.
    return Onward(node.denied if isinstance(node, ApproveNode) else node.next, enrollment.base)


def unworkable(
    run: Deliberation, enrollment: Enrollment, node: AnyNode, value: Unworkable, *, called: str = "name"
) -> Onward | None:
    """Fails the step, one of whose values could not be worked out; its result says which, under ``called``."""
    result: JsonObject = {called: value.name}
    return failed(run, enrollment, node, Reason.EXPRESSION_ERROR, result=result, evidence=(value.evidence,))
