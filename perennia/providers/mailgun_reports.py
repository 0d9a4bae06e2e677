"""What Mailgun tells of messages: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks (seen 2026-11).

Signed by HMAC-SHA256 over a time and a token, and not over what is told. So a token counts once: whoever got hold of a call
cannot tell anything else with it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from perennia.providers.email import REFERENCE
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import BounceKind, Call, Happening, Report, Unsigned, digest, same

_HAPPENINGS = {
    "accepted": Happening.QUEUED,
    "delivered": Happening.DELIVERED,
    "failed": Happening.BOUNCED,
    "rejected": Happening.BOUNCED,
    "complained": Happening.COMPLAINED,
    "opened": Happening.OPENED,
    "clicked": Happening.CLICKED,
    "unsubscribed": Happening.UNSUBSCRIBED,
}


class MailgunReports:
    """``secret``: the HTTP webhook signing key; several with blanks between them."""

    def __init__(self, secret: str) -> None:
        self._keys = [each.encode() for each in secret.split()]
        if not self._keys:
            raise Misconfigured("the webhook signing key of Mailgun is missing")

    async def read(self, call: Call) -> Sequence[Report]:
        told = call.json(_Told)
        signed = told.signature
        content = f"{signed.timestamp}{signed.token}".encode()
        right = [hmac.new(key, content, hashlib.sha256).hexdigest() for key in self._keys]
        if not signed.token or not any(same(signed.signature, each) for each in right):
            raise Unsigned("the signature is not Mailgun's; is the signing key the account's?")
        event = told.event_data
        what = _HAPPENINGS.get(event.event)
        if what is None:
            return []
        if what is Happening.BOUNCED and event.severity == "temporary":
            what = Happening.DEFERRED
        reference = event.user_variables.get(REFERENCE)
        return [
            Report(
                # Mailgun's name is its own for a day only.
                id=digest(event.id or signed.token, str(event.timestamp)),
                what=what,
                reference=reference if isinstance(reference, str) else None,
                recipient=event.recipient or None,
                raw=call.body.decode(),
                bounce=_bounce(event) if what is Happening.BOUNCED else None,
                machine=bool(event.client_info.bot),
                token=signed.token,
            )
        ]


class _Signature(msgspec.Struct):
    timestamp: str = ""
    token: str = ""
    signature: str = ""


class _Client(msgspec.Struct):
    bot: str = ""


class _Status(msgspec.Struct, rename="kebab"):
    code: int = 0
    bounce_type: str = ""


class _Event(msgspec.Struct, rename="kebab"):
    event: str = ""
    id: str = ""
    timestamp: float = 0.0
    severity: str = ""
    reason: str = ""
    recipient: str = ""
    user_variables: dict[str, object] = {}
    client_info: _Client = msgspec.field(default_factory=_Client)
    delivery_status: _Status = msgspec.field(default_factory=_Status)


class _Told(msgspec.Struct):
    signature: _Signature = msgspec.field(default_factory=_Signature)
    event_data: _Event = msgspec.field(name="event-data", default_factory=_Event)


def _bounce(event: _Event) -> BounceKind:
    """``generic`` is what Mailgun gave up after trying for hours."""
    if event.event == "rejected" or event.reason in {"suppress-complaint", "suppress-unsubscribe", "espblock"}:
        return "block"
    if event.delivery_status.bounce_type == "soft" or event.reason in {"generic", "old"}:
        return "soft"
    return "hard"
