"""Digests: the messages of a topic that were held for the same instant leave as one (language, section 8).

A held message is its enrollment standing at its step: a state keeps nothing else of it. What it says is worked out when the
digest leaves, after all else that its instant brings. It takes one place under the caps, and its messages share its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from perennia.core.decisions import Act, Reason, SendEmail
from perennia.core.deliberation import Deliberation
from perennia.core.effects import counts_from
from perennia.core.emails import message_of, refused_for
from perennia.core.holding import digest_of, find_objection, hold_back, let_go, take_place
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import DigestItem
from perennia.core.nodes import EmailNode
from perennia.core.outcomes import Unworkable, parse_effect_key, unworkable, work_out
from perennia.core.outward import goes_on, is_paused
from perennia.core.state import Digested, Enrollment, Hold
from perennia.core.steps import walk

# What nobody reads to its end; the others wait for the next digest.
MOST_ITEMS: Final = 50
STEP: Final = "digest"
# No playbook's id has a colon, nor has any enrollment's that a digest could be taken for.
_TOPIC: Final = "topic:"
_ENROLLMENT: Final = "digest:"


class Member(NamedTuple):
    """A message whose digest has come."""

    node: EmailNode
    enrollment: Enrollment
    held: Hold


def leave(run: Deliberation) -> bool:
    """Releases the digests whose instant has come; True where any enrollment moved. To be asked when all else has settled."""
    if not run.catalog.timing.digests:
        return False
    moved = False
    for topic, members in _ready(run).items():
        moved |= _leave(run, topic, members)
    return moved


def _ready(run: Deliberation) -> dict[str, list[Member]]:
    """By topic: higher priority first, then who has waited longest."""
    found: dict[str, list[Member]] = {}
    for enrollment in run.in_order():
        held = enrollment.held
        if held is None or not enrollment.is_held or enrollment.step is None:
            continue
        node = run.book_of(enrollment).nodes[enrollment.step]
        if not isinstance(node, EmailNode) or digest_of(run, node) is None or not _has_come(run, enrollment, held):
            continue
        if not is_paused(run, enrollment) and refused_for(run, node) is None:
            found.setdefault(node.topic or "", []).append(Member(node, enrollment, held))
    return {topic: sorted(each, key=lambda one: (-one.node.priority, one.held.since)) for topic, each in found.items()}


def _has_come(run: Deliberation, enrollment: Enrollment, held: Hold) -> bool:
    """Inputs of an instant come before what it makes due; what something else than its digest kept may leave sooner."""
    due = enrollment.due
    return due is None or run.passed(due) or (held.reason != Reason.DIGEST and due > run.instant)


def _leave(run: Deliberation, topic: str, members: Sequence[Member]) -> bool:
    """Holds all of them, or releases them as one; True where any enrollment moved."""
    first = members[0]
    found = find_objection(run, first.node, first.enrollment)
    if found is not None:
        onward = [(each.enrollment, hold_back(run, each.node, each.enrollment, found)) for each in members]
        for enrollment, target in onward:
            if target is not None:
                run.movers.add(enrollment.id)
                walk(run, enrollment, target)
        return any(target is not None for _, target in onward)
    willing = [each for each in members if goes_on(run, each.node, each.enrollment)]
    written = [(each, message) for each in willing[:MOST_ITEMS] if (message := _written(run, each)) is not None]
    if written:
        _release(run, topic, written)
    return True


def _written(run: Deliberation, member: Member) -> SendEmail | None:
    """Its message; None where a value could not be worked out, which ends its step."""
    _, enrollment, _ = member
    chosen = work_out(run, enrollment, member.node.values)
    if not isinstance(chosen, Unworkable):
        return message_of(run, member.node, enrollment, chosen)
    run.movers.add(enrollment.id)
    walk(run, enrollment, unworkable(run, enrollment, member.node, chosen))
    return None


def _release(run: Deliberation, topic: str, written: Sequence[tuple[Member, SendEmail]]) -> None:
    """As one; one alone leaves as itself."""
    first, message = written[0]
    known = run.state.digests.get(topic)
    number = 1 if known is None else known.count + 1
    run.state.digests[topic] = Digested(number, run.instant)
    effect = message if len(written) == 1 else _together(run, topic, number, [each for _, each in written])
    take_place(run, first.node, first.enrollment, effect.key)
    run.effects.append(effect)
    for (node, enrollment, held), _ in written:
        let_go(node, enrollment)
        # Should it come back, it need not wait for another digest.
        enrollment.held = Hold(held.since, held.until, "")
        enrollment.awaiting = effect.key
        enrollment.base = counts_from(run, enrollment)
        run.movers.add(enrollment.id)
        about: JsonObject = {"digest": effect.key} if effect.items else {}
        detail: JsonObject = {**about, "template": node.step.email, "to": "contact"}
        run.note(Act.RELEASED, node.verb, enrollment=enrollment, step=node.id, detail=detail)


def _together(run: Deliberation, topic: str, number: int, messages: Sequence[SendEmail]) -> SendEmail:
    first = messages[0]
    shared: JsonObject = {
        name: value
        for name, value in first.context.items()
        if all(name in each.context and each.context[name] == value for each in messages)
    }
    enrollment = f"{_ENROLLMENT}{topic}.{number}"
    return SendEmail(
        key=f"{run.state.customer}/{enrollment}/{STEP}/1",
        at=run.instant,
        playbook=_TOPIC + topic,
        version=run.catalog.revision,
        enrollment=enrollment,
        step=STEP,
        priority=first.priority,
        recipient="contact",
        template=run.catalog.timing.digests[topic].template,
        template_version="",
        topic=topic,
        transactional=False,
        sender=first.sender,
        context=shared,
        items=tuple(_item(each, shared) for each in messages),
    )


def _item(message: SendEmail, shared: JsonObject) -> DigestItem:
    return DigestItem(
        key=message.key,
        playbook=message.playbook,
        version=message.version,
        enrollment=message.enrollment,
        step=message.step,
        template=message.template,
        template_version=message.template_version,
        context={name: value for name, value in message.context.items() if name not in shared},
    )


# --- the digest on its way ------------------------------------------------------------------------------------------


def is_digest(key: str | None) -> bool:
    """Whether it is the key of a digest."""
    parsed = None if key is None else parse_effect_key(key)
    return parsed is not None and parsed.enrollment.startswith(_ENROLLMENT)


def items_of(digest: SendEmail) -> list[SendEmail]:
    """Each of its messages as it would have been alone, under its own key."""
    return [
        msgspec.structs.replace(
            digest,
            key=item.key,
            playbook=item.playbook,
            version=item.version,
            enrollment=item.enrollment,
            step=item.step,
            template=item.template,
            template_version=item.template_version,
            context={**digest.context, **item.context},
            items=(),
        )
        for item in digest.items
    ]


def alone(message: SendEmail) -> SendEmail:
    """A digest that has only one message left is that message, under the digest's key; anything else stays as it is."""
    if len(message.items) != 1:
        return message
    (item,) = items_of(message)
    return msgspec.structs.replace(item, key=message.key)


def narrowed(digest: SendEmail, waiting: Iterable[str]) -> SendEmail:
    """The digest without the messages for whose end no enrollment waits any more; ``waiting``: those that do (ids).

    It stays as it is where nobody waits: then it is about to be withdrawn, or its customer is gone.
    """
    ids = frozenset(waiting)
    left = tuple(item for item in digest.items if item.enrollment in ids)
    return digest if not left or left == digest.items else msgspec.structs.replace(digest, items=left)
