"""What Postmark tells of messages: https://postmarkapp.com/developer/webhooks/webhooks-overview (seen 2026-11).

Postmark does not sign. It calls with the user and password that stand in the webhook's address.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import msgspec

from perennia.providers.email import REFERENCE
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import BounceKind, Call, Happening, Report, Unsigned, digest, same

_HAPPENINGS = {
    "Delivery": Happening.DELIVERED,
    "Bounce": Happening.BOUNCED,
    "SpamComplaint": Happening.COMPLAINED,
    "Open": Happening.OPENED,
    "Click": Happening.CLICKED,
}
# https://postmarkapp.com/developer/api/bounce-api#bounce-types. Those that are listed nowhere here are soft.
_DEFERRALS = frozenset({"Transient", "DnsError"})
_NO_BOUNCES = frozenset({"AutoResponder", "ChallengeVerification", "Subscribe", "OpenRelayTest", "AddressChange"})
_HARD = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})
_BLOCKS = frozenset({"Blocked", "DMARCPolicy", "VirusNotification", "SMTPApiError", "TemplateRenderingFailed"})
_COMPLAINTS = frozenset({"SpamComplaint", "SpamNotification"})


class PostmarkReports:
    """``secret``: ``USER:PASSWORD``; several with blanks between them while it is being changed."""

    def __init__(self, secret: str) -> None:
        logins = secret.split()
        if not logins or not all(":" in login for login in logins):
            raise Misconfigured("Postmark calls with USER:PASSWORD, as they stand in the webhook's address")
        self._right = [f"Basic {b64encode(login.encode()).decode()}" for login in logins]

    async def read(self, call: Call) -> Sequence[Report]:
        given = call.headers.get("authorization", "")
        if not any(same(given, right) for right in self._right):
            raise Unsigned("user or password are not those of the webhook's address")
        told = call.json(_Told)
        what = _happening(told)
        if what is None:
            return []
        return [
            Report(
                # Only bounces have a name of their own; what is sent again is the same to the byte.
                id=digest(call.body),
                what=what,
                reference=told.metadata.get(REFERENCE),
                recipient=told.email or told.recipient or None,
                raw=call.body.decode(),
                bounce=_bounce(told) if what is Happening.BOUNCED else None,
            )
        ]


class _Told(msgspec.Struct, rename="pascal"):
    record_type: str = ""
    type: str = ""
    email: str = ""
    recipient: str = ""
    metadata: dict[str, str] = {}
    suppress_sending: bool = False
    suppression_reason: str | None = None


def _happening(told: _Told) -> Happening | None:
    if told.record_type == "SubscriptionChange":
        is_own_wish = told.suppress_sending and told.suppression_reason == "ManualSuppression"
        return Happening.UNSUBSCRIBED if is_own_wish else None  # bounces and complaints come on their own, too
    if told.record_type == "Bounce":
        if told.type in _DEFERRALS:
            return Happening.DEFERRED
        if told.type in _COMPLAINTS:
            return Happening.COMPLAINED
        if told.type == "Unsubscribe":
            return Happening.UNSUBSCRIBED
        if told.type in _NO_BOUNCES:
            return None
    return _HAPPENINGS.get(told.record_type)


def _bounce(told: _Told) -> BounceKind:
    if told.type in _HARD:
        return "hard"
    return "block" if told.type in _BLOCKS else "soft"
