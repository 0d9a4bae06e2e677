"""Emails: to whom, whether it may go, and what the sender must know."""

from __future__ import annotations

from perennia.core.admission import refusal
from perennia.core.decisions import Reason, SendEmail
from perennia.core.deliberation import Deliberation
from perennia.core.effects import emit, origin, text_names
from perennia.core.errands import hand_over
from perennia.core.holding import digest_of, keep_back, wait_for_digest
from perennia.core.json_values import JsonObject
from perennia.core.nodes import EmailNode
from perennia.core.outcomes import Onward, Unworkable, unworkable, work_out
from perennia.core.owners import owner_of
from perennia.core.state import Enrollment, Recipient
from perennia.core.surveys import asked_survey, note_ask, objection_to_asking, turned_down


def release_email(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> Onward | None:
    """Releases the message, or ends its step where it must not go."""
    chosen = work_out(run, enrollment, node.values)
    if isinstance(chosen, Unworkable):
        return unworkable(run, enrollment, node, chosen)
    if node.audience is not None and enrollment.errand is None:
        return hand_over(run, enrollment, node, node.audience, chosen)
    refused = refused_for(run, node) or objection_to_asking(run, enrollment, node)
    if refused is not None:
        return turned_down(run, enrollment, node, refused)
    times = digest_of(run, node)
    if times is not None:
        wait_for_digest(run, node, enrollment, times)
        return None
    kept = keep_back(run, node, enrollment)
    if kept is not None:
        return kept.onward
    effect = message_of(run, node, enrollment, chosen)
    note_ask(run, enrollment, node, effect.key)
    about: JsonObject = {} if effect.survey is None else {"survey": effect.survey.survey}
    emit(run, enrollment, node, effect, {**about, "template": node.step.email, "to": effect.recipient})
    return None


def message_of(run: Deliberation, node: EmailNode, enrollment: Enrollment, chosen: JsonObject) -> SendEmail:
    """What the sender must know of the step's message. ``chosen``: the values of the step's ``with``."""
    internal = node.step.to == "owner"
    return SendEmail(
        **origin(run, node, enrollment, priority=node.priority),
        recipient="owner" if internal else "contact",
        template=node.step.email,
        template_version=node.template_version,
        topic=None if internal else node.topic,
        transactional=node.step.transactional,
        sender=node.step.from_ or run.catalog.policies.usual_sender,
        context={**text_names(run, enrollment), **chosen},
        survey=asked_survey(run, enrollment, node),
    )


def refused_for(run: Deliberation, node: EmailNode) -> Reason | None:
    """Why whoever the message goes to must not be written to, at this instant; None where nothing speaks against it."""
    internal = node.step.to == "owner"
    return refusal(
        _recipient(run, internal=internal),
        topic=node.topic,
        transactional=node.step.transactional,
        internal=internal,
        policies=run.catalog.policies,
        at=run.instant,
    )


def _recipient(run: Deliberation, *, internal: bool) -> Recipient | None:
    """Whoever the message goes to."""
    if internal:
        owner = owner_of(run.state.facts)
        return None if owner is None else Recipient(address=owner.email)
    return contact_of(run)


def contact_of(run: Deliberation) -> Recipient:
    """The contact itself; its address is its ``email`` trait as it is at this instant."""
    known = run.recipients.get(run.state.customer)
    address = run.state.facts.traits.get("email")
    return Recipient(
        address=address if isinstance(address, str) else None,
        suppressed=known is not None and known.suppressed,
        consents={} if known is None else known.consents,
        pending={} if known is None else known.pending,
    )
