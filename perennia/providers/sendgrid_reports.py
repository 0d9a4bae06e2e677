"""What SendGrid tells of messages: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (seen 2026-11).

Signed by ECDSA over P-256 and SHA-256, of the time and the body as it came.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from perennia.providers.email import REFERENCE
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import BounceKind, Call, Happening, Report, Unsigned, decoded, digest

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

_HAPPENINGS = {
    "processed": Happening.QUEUED,
    "deferred": Happening.DEFERRED,
    "delivered": Happening.DELIVERED,
    "bounce": Happening.BOUNCED,
    "blocked": Happening.BOUNCED,
    "dropped": Happening.BOUNCED,
    "spamreport": Happening.COMPLAINED,
    "open": Happening.OPENED,
    "click": Happening.CLICKED,
    "unsubscribe": Happening.UNSUBSCRIBED,
    "group_unsubscribe": Happening.UNSUBSCRIBED,
}


class SendGridReports:
    """``secret``: the public key of the signed event webhook; several with blanks between them."""

    def __init__(self, secret: str) -> None:
        self._keys = [_key(each) for each in secret.split()]
        if not self._keys:
            raise Misconfigured("the verification key of SendGrid's event webhook is missing")

    async def read(self, call: Call) -> Sequence[Report]:
        signed = call.headers.get(_TIMESTAMP, "").encode() + call.body
        signature = call.headers.get(_SIGNATURE, "")
        if not signature or not any(_verifies(key, signature, signed) for key in self._keys):
            raise Unsigned("the signature is not SendGrid's; is the verification key that of this webhook?")
        # A call may be sent again after days, and is the same then: what was told before changes nothing.
        return [report for event in call.json(list[dict[str, object]]) if (report := _report(event)) is not None]


def _report(event: dict[str, object]) -> Report | None:
    what = _HAPPENINGS.get(_text(event, "event"))
    if what is None:
        return None
    raw = msgspec.json.encode(event)
    return Report(
        id=_text(event, "sg_event_id") or digest(raw),
        what=what,
        reference=_text(event, REFERENCE) or None,
        recipient=_text(event, "email") or None,
        raw=raw.decode(),
        bounce=_bounce(event) if what is Happening.BOUNCED else None,
        machine=event.get("sg_machine_open") is True,
    )


def _bounce(event: dict[str, object]) -> BounceKind:
    kind, status = _text(event, "event"), _text(event, "status")
    if kind == "dropped":
        # Not even tried, for what SendGrid remembers of the address; its other reasons are about the message.
        return "hard" if _text(event, "reason").lower() in {"bounced address", "invalid"} else "block"
    if "blocked" in {kind, _text(event, "type")}:
        return "block"
    return "soft" if status.startswith("4") or status == "5.2.2" else "hard"  # 5.2.2: the mailbox is full


def _text(event: dict[str, object], name: str) -> str:
    """One odd field must not keep the other events of a call from being heard."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(decoded(text, "the verification key of SendGrid's event webhook"))
    except ValueError as error:
        raise Misconfigured("the verification key of SendGrid's event webhook is no public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misconfigured("the verification key of SendGrid's event webhook is one of another kind")
    return key


def _verifies(key: ec.EllipticCurvePublicKey, signature: str, signed: bytes) -> bool:
    try:
        key.verify(b64decode(signature), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
