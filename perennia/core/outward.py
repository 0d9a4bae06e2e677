"""Outward steps: what the world is asked to do, and what may keep it from being asked."""

from __future__ import annotations

from perennia.core.admission import refusal
from perennia.core.decisions import Act, OpenTask, Outcome, Reason, SendEmail
from perennia.core.deliberation import Deliberation
from perennia.core.entries import end
from perennia.core.json_values import JsonObject
from perennia.core.nodes import AnyNode, EmailNode, TaskNode
from perennia.core.outcomes import Onward, Unworkable, effect_key, finish, skipped, unworkable, work_out
from perennia.core.owners import owner_of
from perennia.core.state import Enrollment, Recipient


def release(run: Deliberation, node: EmailNode | TaskNode, enrollment: Enrollment) -> Onward | None:
    """Releases the step's effect, unless the enrollment is paused or what it needs to go on no longer holds."""
    if enrollment.paused:
        enrollment.halted = True
        return None
    while_ = run.book_of(enrollment).while_
    if while_ is not None and not run.holds(while_, enrollment):
        end(run, enrollment, Reason.NOT_WHILE, (run.explain(while_, enrollment),))
        return None
    if isinstance(node, EmailNode):
        return _release_email(run, node, enrollment)
    _release_task(run, node, enrollment)
    return None


def _release_email(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> Onward | None:
    chosen = work_out(run, enrollment, node.values)
    if isinstance(chosen, Unworkable):
        return unworkable(run, enrollment, node, chosen)
    internal = node.step.to == "owner"
    refused = refusal(
        _recipient(run, internal=internal),
        topic=node.topic,
        transactional=node.step.transactional,
        internal=internal,
        policies=run.catalog.policies,
    )
    if refused is not None:
        return skipped(run, enrollment, node, refused)
    effect = SendEmail(
        key=effect_key(run.state.customer, enrollment, node.id),
        at=run.instant,
        playbook=enrollment.playbook,
        version=enrollment.version,
        enrollment=enrollment.id,
        step=node.id,
        priority=node.priority,
        recipient="owner" if internal else "contact",
        template=node.step.email,
        template_version=node.template_version,
        topic=None if internal else node.topic,
        transactional=node.step.transactional,
        sender=node.step.from_,
        context={**_context(run, enrollment), **chosen},
    )
    _emit(run, enrollment, node, effect, {"template": node.step.email, "to": effect.recipient})
    return None


def _recipient(run: Deliberation, *, internal: bool) -> Recipient | None:
    """Whoever the message goes to; a contact's address is its ``email`` trait as it is at this instant."""
    if internal:
        owner = owner_of(run.state.facts)
        return None if owner is None else Recipient(address=owner.email)
    known = run.recipients.get(run.state.customer)
    address = run.state.facts.traits.get("email")
    return Recipient(
        address=address if isinstance(address, str) else None,
        suppressed=known is not None and known.suppressed,
        consents={} if known is None else known.consents,
    )


def _release_task(run: Deliberation, node: TaskNode, enrollment: Enrollment) -> None:
    step = node.step
    owner = owner_of(run.state.facts)
    assignee = (None if owner is None else owner.id) if step.assign == "owner" else step.assign
    due = None if node.due is None else run.calendar.after(enrollment.base, node.due)
    effect = OpenTask(
        key=effect_key(run.state.customer, enrollment, node.id),
        at=run.instant,
        playbook=enrollment.playbook,
        version=enrollment.version,
        enrollment=enrollment.id,
        step=node.id,
        priority=run.book_of(enrollment).definition.priority,
        title=step.task,
        body=step.body,
        assignee=assignee,
        due=due,
        task_priority=step.priority,
        context=_context(run, enrollment),
    )
    _emit(run, enrollment, node, effect, {"task": step.task, "assignee": assignee})


def _emit(
    run: Deliberation, enrollment: Enrollment, node: AnyNode, effect: SendEmail | OpenTask, detail: JsonObject
) -> None:
    run.effects.append(effect)
    enrollment.awaiting = effect.key
    run.note(Act.RELEASED, node.verb, enrollment=enrollment, step=node.id, detail=detail)


def _context(run: Deliberation, enrollment: Enrollment) -> JsonObject:
    """The names a template may use, as they are at this instant."""
    facts = run.state.facts
    owner = owner_of(facts)
    return {
        "traits": dict(facts.traits),
        "contact": run.contact(),
        "account": facts.account if run.state.kind == "contact" else {**facts.traits, "id": facts.ref},
        "enter": enrollment.enter,
        "steps": dict(enrollment.steps),
        "stage": {track: stage.stage for track, stage in run.state.stages.items()},
        "owner": None if owner is None else owner.described(),
    }


def overdue(run: Deliberation, enrollment: Enrollment, node: TaskNode) -> Onward | None:
    """A waited-for task that is late ends its step; its instant is where the next spans count from."""
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    finish(run, enrollment, node, Outcome.TIMED_OUT, result={"outcome": "overdue", "status": "open"})
    return Onward(node.next, due)
