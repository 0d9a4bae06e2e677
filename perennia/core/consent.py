"""Consent that counts only once it is confirmed (double opt-in): the message that asks for it, and for how long it holds."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from perennia.core.admission import refusal
from perennia.core.decisions import Act, ConsentAsked, EffectEnded, Outcome, Reason, SendEmail
from perennia.core.definitions import BUILT_IN_CONFIRMATION
from perennia.core.deliberation import Deliberation
from perennia.core.emails import contact_of
from perennia.core.json_values import JsonObject
from perennia.core.outcomes import parse_effect_key

# How long the link in the message confirms. Whoever asks again after it gets another message.
CONFIRM_WITHIN: Final = timedelta(days=7)
# Anybody may type somebody else's address into a form: no address is asked more often, whoever types.
ASK_EVERY: Final = timedelta(days=1)
STEP: Final = "confirm"
PRIORITY: Final = 100
# No playbook's id has a colon, nor has any enrollment's: these messages belong to none.
_TOPIC: Final = "topic:"
_ENROLLMENT: Final = "consent:"


def address_mark(customer: str, topic: str, address: str) -> str:
    """What a link says of the address that it was sent to: enough to recognise it, not to read it."""
    told = "\0".join((customer, topic, address.strip().lower()))
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def ask_to_confirm(run: Deliberation, asked: ConsentAsked) -> None:
    """Releases the message with the link, or notes why nobody can be asked. Transactional: it was asked for just now."""
    topic = run.catalog.policies.topics.get(asked.topic)
    if topic is None or not topic.confirm:
        run.note(Act.CONSENT, Outcome.SKIPPED, reason=Reason.UNKNOWN_TOPIC, detail={"topic": asked.topic})
        return
    refused = refusal(
        contact_of(run),
        topic=None,
        transactional=True,
        internal=False,
        policies=run.catalog.policies,
        at=run.instant,
    )
    if refused is not None:
        run.note(Act.CONSENT, Outcome.SKIPPED, reason=refused, detail={"topic": asked.topic})
        return
    enrollment = f"{_ENROLLMENT}{asked.seq}"
    template = topic.confirm_template or BUILT_IN_CONFIRMATION
    about: JsonObject = {"name": topic.name, "description": topic.description}
    run.effects.append(
        SendEmail(
            key=f"{run.state.customer}/{enrollment}/{STEP}/1",
            at=run.instant,
            playbook=_TOPIC + asked.topic,
            version=run.catalog.revision,
            enrollment=enrollment,
            step=STEP,
            priority=PRIORITY,
            recipient="contact",
            template=template,
            template_version="",
            topic=asked.topic,
            transactional=True,
            sender=None,
            context={"contact": run.contact(), "topic": about},
            confirms=asked.at,
        )
    )
    run.note(Act.RELEASED, "email", step=STEP, detail={"template": template, "to": "contact", "topic": asked.topic})


def confirmation_ended(run: Deliberation, ended: EffectEnded) -> bool:
    """Notes how the message ended; False where it is another one."""
    key = parse_effect_key(ended.key)
    if key is None or not key.enrollment.startswith(_ENROLLMENT):
        return False
    run.note(Act.CONSENT, ended.outcome, step=key.step, reason=ended.reason, detail=ended.result)
    return True
