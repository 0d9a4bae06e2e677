"""What Resend tells of messages: https://resend.com/docs/dashboard/webhooks/event-types (seen 2026-11).

Signed by Svix, as Standard Webhooks have it (https://www.standardwebhooks.com): HMAC-SHA256 over id, time and body.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from perennia.providers.email import REFERENCE
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import BounceKind, Call, Happening, Report, Unsigned, decoded, instant, same
from perennia.providers.standard_webhooks import signature

_TOLERANCE = timedelta(minutes=5)  # what Standard Webhooks recommends; a repeated call is signed anew

_HAPPENINGS = {
    "email.scheduled": Happening.QUEUED,
    "email.sent": Happening.SENT,
    "email.delivery_delayed": Happening.DEFERRED,
    "email.delivered": Happening.DELIVERED,
    "email.bounced": Happening.BOUNCED,
    "email.suppressed": Happening.BOUNCED,
    "email.failed": Happening.BOUNCED,
    "email.complained": Happening.COMPLAINED,
    "email.opened": Happening.OPENED,
    "email.clicked": Happening.CLICKED,
}


class ResendReports:
    """``secret``: ``whsec_...``; several with blanks between them while it is being changed."""

    def __init__(self, secret: str) -> None:
        self._keys = [decoded(each.removeprefix("whsec_"), "the signing secret of Resend") for each in secret.split()]
        if not self._keys:
            raise Misconfigured("the signing secret of Resend is missing; the webhook's page shows it")

    async def read(self, call: Call) -> Sequence[Report]:
        identity = self._verified(call)
        told = call.json(_Told)
        what = _HAPPENINGS.get(told.type)
        if what is None:
            return []
        return [
            Report(
                id=identity,
                what=what,
                reference=_reference(told.data.tags),
                recipient=next(iter(told.data.to), None),
                raw=call.body.decode(),
                bounce=_bounce(told) if what is Happening.BOUNCED else None,
            )
        ]

    def _verified(self, call: Call) -> str:
        """The call's own name."""
        names = ("id", "timestamp", "signature")
        found = [call.headers.get(f"svix-{name}") or call.headers.get(f"webhook-{name}", "") for name in names]
        identity, timestamp, signatures = found
        if not identity or abs(call.at - instant(timestamp)) > _TOLERANCE:
            raise Unsigned("the call has no name, or its time is more than five minutes from ours")
        content = f"{identity}.{timestamp}.".encode() + call.body
        right = [signature(key, content) for key in self._keys]
        if not any(same(given, each) for given in signatures.split() for each in right):
            raise Unsigned("the signature is not Resend's; is the signing secret that of this webhook?")
        return identity


class _Bounce(msgspec.Struct):
    type: str = ""
    subtype: str = msgspec.field(default="", name="subType")


class _Tag(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Data(msgspec.Struct):
    to: list[str] = []
    tags: list[_Tag] | dict[str, str] = []
    bounce: _Bounce | None = None


class _Told(msgspec.Struct):
    type: str = ""
    data: _Data = msgspec.field(default_factory=_Data)


def _reference(tags: list[_Tag] | dict[str, str]) -> str | None:
    """Its documentation shows a list, its calls carry an object."""
    by_name = tags if isinstance(tags, dict) else {tag.name: tag.value for tag in tags}
    return by_name.get(REFERENCE)


def _bounce(told: _Told) -> BounceKind:
    if told.type == "email.suppressed":
        return "hard"  # it came back from there before
    if told.type == "email.failed" or told.data.bounce is None:
        return "block"
    match told.data.bounce.type:
        case "Permanent":
            return "hard"
        case "Transient" if told.data.bounce.subtype in {"ContentRejected", "AttachmentRejected", "MessageTooLarge"}:
            return "block"
        case _:
            return "soft"
