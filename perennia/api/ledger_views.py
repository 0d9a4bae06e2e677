"""What the API shows of messages and deliveries: the row of the ledger, each try of it, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from perennia.api.views import View
from perennia.core.json_values import JsonObject
from perennia.store.attempt_records import Attempt, AttemptOutcome
from perennia.store.records import Delivery, Message, MessageReport, SendStatus

# What a person can do about a try that ended so.
REMEDIES: Final[dict[AttemptOutcome, str | None]] = {
    "accepted": None,
    "unavailable": "it is tried again by itself",
    "unanswered": "nobody knows whether it was taken: ask the provider's own log before you send it once more",
    "misconfigured": "it waits, and is tried again by itself, until the settings are repaired: see `perennia doctor`",
    "refused": "it is not tried again: repair the address, the content or the provider's account",
}


class AttemptView(View):
    """One try, or several like it one after the other: so many ``times``, from ``at`` to ``last_at``.

    ``outcome``: ``accepted``, ``unavailable``, ``unanswered`` (nobody knows whether it was taken), ``misconfigured`` or
    ``refused``. ``said``: what happened; ``reply``: in the provider's own words. ``remedy``: what can be done about it.
    """

    at: datetime
    last_at: datetime
    times: int
    provider: str | None
    outcome: AttemptOutcome
    said: str | None
    reply: str | None
    remedy: str | None


class ReportView(View):
    """What came back: ``delivered``, ``bounced`` (``bounce``: ``hard``, ``soft``, ``block``), ``opened``, ``clicked`` and so on.

    ``machine``: a scanner or a proxy did it, no person; then no playbook hears of it.
    """

    what: str
    bounce: str | None
    machine: bool
    provider: str
    at: datetime


class DeliveryView(View):
    """What another system was told: the CRM, a webhook's receiver, a channel of the team. ``attempts``: the first first."""

    key: str
    customer: str
    kind: str
    playbook: str
    step: str
    target: str
    status: str
    reason: str | None
    provider: str | None
    provider_id: str | None
    said: JsonObject | None
    released_at: datetime
    ended_at: datetime | None
    attempts: list[AttemptView]


class MessageView(View):
    """A message, also one that was not sent. ``attempts`` and ``reports``: the first first."""

    key: str
    customer: str
    playbook: str
    step: str
    template: str
    topic: str | None
    status: str
    reason: str | None
    provider: str | None
    provider_id: str | None
    released_at: datetime
    ended_at: datetime | None
    waits_until: datetime | None
    attempts: list[AttemptView]
    reports: list[ReportView]


def delivery_view(one: Delivery, tries: Sequence[Attempt]) -> DeliveryView:
    return DeliveryView(**msgspec.structs.asdict(one), attempts=_attempts(one, tries))


def message_view(one: Message, tries: Sequence[Attempt], told: Sequence[MessageReport]) -> MessageView:
    return MessageView(
        **msgspec.structs.asdict(one),
        attempts=_attempts(one, tries),
        reports=[ReportView.model_validate(each) for each in told],
    )


def _attempts(one: Message | Delivery, tries: Sequence[Attempt]) -> list[AttemptView]:
    """Those that were noted; whoever accepted it last stands in the ledger."""
    views = [AttemptView(**msgspec.structs.asdict(each), remedy=REMEDIES[each.outcome]) for each in tries]
    accepted = one.status is SendStatus.SENT or (one.status is SendStatus.UNKNOWN and one.provider_id is not None)
    if accepted and one.ended_at is not None:
        at, by = one.ended_at, one.provider
        views.append(
            AttemptView(at=at, last_at=at, times=1, provider=by, outcome="accepted", said=None, reply=None, remedy=None)
        )
    return views
