"""What providers post of messages, signed as they sign it: the same telling has the same name however often it is posted."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Telling:
    """``what``: in the words of no provider. ``bounce``: hard, soft or block, of one that bounced."""

    what: str
    reference: str | None = "0f3a"
    recipient: str = "ben@example.org"
    bounce: str | None = None
    machine: bool = False
    id: str = "told-1"
    at: datetime = AT


@dataclass(frozen=True)
class Posted:
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Poster:
    """One provider: the secret that its reader needs, and what it posts. ``stranger``: another's secret of the same form."""

    secret: str
    stranger: str
    post: Callable[[Telling], Posted]


# What a provider calls each happening and each kind of bounce, and what it says besides.
_Words: TypeAlias = dict[str, tuple[str, dict[str, Any]]]

# --- Resend: https://resend.com/docs/dashboard/webhooks/event-types --------------------------------------------------

_RESEND = {
    "queued": "email.scheduled",
    "sent": "email.sent",
    "deferred": "email.delivery_delayed",
    "delivered": "email.delivered",
    "bounced": "email.bounced",
    "complained": "email.complained",
    "opened": "email.opened",
    "clicked": "email.clicked",
}
_RESEND_BOUNCES = {
    "hard": {"type": "Permanent", "subType": "General"},
    "soft": {"type": "Transient", "subType": "MailboxFull"},
    "block": {"type": "Transient", "subType": "ContentRejected"},
}


def resend(telling: Telling) -> Posted:
    data: dict[str, Any] = {
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "created_at": "2026-03-02T09:59:00.000Z",
        "from": "Ana <hello@example.com>",
        "to": [telling.recipient],
        "subject": "Welcome",
        "tags": {"perennia": telling.reference} if telling.reference else {},
    }
    if telling.bounce:
        data["bounce"] = {"message": "The recipient's server said no.", **_RESEND_BOUNCES[telling.bounce]}
    kind = _RESEND.get(telling.what, telling.what)
    body = json.dumps({"type": kind, "created_at": telling.at.isoformat(), "data": data})
    return signed_by_svix(telling, body)


def signed_by_svix(telling: Telling, body: str) -> Posted:
    signature = Webhook(SECRET).sign(telling.id, telling.at, body)
    headers = {"svix-id": telling.id, "svix-timestamp": str(int(telling.at.timestamp())), "svix-signature": signature}
    return Posted(body.encode(), headers)


# --- Postmark: https://postmarkapp.com/developer/webhooks/webhooks-overview ------------------------------------------

LOGIN = "perennia:a-long-password"
_POSTMARK: _Words = {
    "delivered": ("Delivery", {}),
    "deferred": ("Bounce", {"Type": "Transient", "TypeCode": 2}),
    "complained": ("SpamComplaint", {"Type": "SpamComplaint", "TypeCode": 512}),
    "opened": ("Open", {"FirstOpen": True}),
    "clicked": ("Click", {"ClickLocation": "HTML", "OriginalLink": "https://example.com"}),
    "unsubscribed": ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "ManualSuppression"}),
    "hard": ("Bounce", {"Type": "HardBounce", "TypeCode": 1}),
    "soft": ("Bounce", {"Type": "SoftBounce", "TypeCode": 4096}),
    "block": ("Bounce", {"Type": "Blocked", "TypeCode": 100006}),
}


def postmark(telling: Telling) -> Posted:
    kind, more = _POSTMARK.get(telling.bounce or telling.what, (telling.what, {}))
    whom = "Email" if kind in {"Bounce", "SpamComplaint"} else "Recipient"
    metadata = {"perennia": telling.reference} if telling.reference else {}
    told = {"RecordType": kind, "MessageID": telling.id, whom: telling.recipient, "Metadata": metadata, **more}
    return Posted(json.dumps(told).encode(), {"authorization": f"Basic {b64encode(LOGIN.encode()).decode()}"})


# --- SendGrid: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event -----------------------------

_SENDGRID_KEY = ec.derive_private_key(7, ec.SECP256R1())
_SENDGRID: _Words = {
    "queued": ("processed", {}),
    "deferred": ("deferred", {"response": "451 try again"}),
    "delivered": ("delivered", {"response": "250 OK"}),
    "complained": ("spamreport", {}),
    "opened": ("open", {}),
    "clicked": ("click", {"url": "https://example.com"}),
    "unsubscribed": ("unsubscribe", {}),
    "hard": ("bounce", {"type": "bounce", "status": "5.1.1"}),
    "soft": ("bounce", {"type": "bounce", "status": "4.4.7"}),
    "block": ("bounce", {"type": "blocked", "status": "5.7.1"}),
}


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def sendgrid(telling: Telling) -> Posted:
    kind, more = _SENDGRID.get(telling.bounce or telling.what, (telling.what, {}))
    event: dict[str, Any] = {"email": telling.recipient, "event": kind, "sg_event_id": telling.id, **more}
    if telling.reference:
        event["perennia"] = telling.reference
    if telling.machine:
        event["sg_machine_open"] = True
    return signed_by_sendgrid(telling, json.dumps([event]) + "\r\n")


def signed_by_sendgrid(telling: Telling, body: str) -> Posted:
    timestamp = str(int(telling.at.timestamp()))
    signature = _SENDGRID_KEY.sign(f"{timestamp}{body}".encode(), ec.ECDSA(hashes.SHA256()))
    headers = {
        "x-twilio-email-event-webhook-signature": b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": timestamp,
    }
    return Posted(body.encode(), headers)


# --- Mailgun: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads -------------------

_MAILGUN_KEY = "mailgun-signing-key"
_MAILGUN: _Words = {
    "queued": ("accepted", {}),
    "deferred": ("failed", {"severity": "temporary", "reason": "greylisted"}),
    "complained": ("complained", {}),
    "hard": ("failed", {"severity": "permanent", "reason": "bounce", "delivery-status": {"code": 550}}),
    "soft": ("failed", {"severity": "permanent", "reason": "generic", "delivery-status": {"code": 602}}),
    "block": ("rejected", {"reject": {"reason": "Sandbox subdomains are for test purposes only."}}),
}


def mailgun(telling: Telling, token: str | None = None) -> Posted:
    """``token``: of another call, instead of one of its own."""
    kind, more = _MAILGUN.get(telling.bounce or telling.what, (telling.what, {}))
    event: dict[str, Any] = {
        "event": kind,
        "id": telling.id,
        "timestamp": telling.at.timestamp(),
        "recipient": telling.recipient,
        "user-variables": {"perennia": telling.reference} if telling.reference else {},
        **more,
    }
    if telling.machine:
        event["client-info"] = {"bot": "generic", "client-type": "unknown"}
    timestamp, token = str(int(telling.at.timestamp())), token or f"token-of-{telling.id}"
    signature = hmac.new(_MAILGUN_KEY.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": timestamp, "token": token, "signature": signature}
    return Posted(json.dumps({"signature": signed, "event-data": event}).encode())


# --- Amazon SES, through SNS: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html -

TOPIC = "arn:aws:sns:eu-west-1:123456789012:perennia"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
_SNS = ("Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type")
_SES: _Words = {
    "sent": ("Send", {}),
    "deferred": ("DeliveryDelay", {}),
    "delivered": ("Delivery", {}),
    "complained": ("Complaint", {}),
    "opened": ("Open", {}),
    "clicked": ("Click", {"click": {"link": "https://example.com"}}),
    "hard": ("Bounce", {"bounceType": "Permanent", "bounceSubType": "General"}),
    "soft": ("Bounce", {"bounceType": "Transient", "bounceSubType": "MailboxFull"}),
    "block": ("Bounce", {"bounceType": "Transient", "bounceSubType": "ContentRejected"}),
}


@cache
def sns_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def sns_certificate() -> bytes:
    """What is at `CERTIFICATE_URL`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder(name, name, sns_key().public_key(), 1, AT, AT + timedelta(days=3650))
    return built.sign(sns_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def ses(telling: Telling) -> Posted:
    kind, more = _SES.get(telling.bounce or telling.what, (telling.what, {}))
    tags = {"perennia": [telling.reference]} if telling.reference else {}
    event: dict[str, Any] = {"eventType": kind, "mail": {"destination": [telling.recipient], "tags": tags}}
    if kind == "Bounce":
        event["bounce"] = {**more, "bouncedRecipients": [{"emailAddress": telling.recipient}]}
    if kind == "Complaint":
        event["complaint"] = {"complainedRecipients": [{"emailAddress": telling.recipient}]}
    return sns(telling, Type="Notification", Message=json.dumps(event))


def sns(telling: Telling, **fields: str) -> Posted:
    """A call of SNS with these fields, and those that every one of them has."""
    told = {"MessageId": telling.id, "Timestamp": telling.at.isoformat(), "TopicArn": TOPIC, **fields}
    signed = "".join(f"{name}\n{told[name]}\n" for name in _SNS if name in told)
    signature = sns_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    told |= {"SignatureVersion": "2", "Signature": b64encode(signature).decode(), "SigningCertURL": CERTIFICATE_URL}
    headers = {"x-amz-sns-message-type": told["Type"], "content-type": "text/plain; charset=UTF-8"}
    return Posted(json.dumps(told).encode(), headers)


POSTERS = {
    "resend": Poster(SECRET, "whsec_c29tZW9uZSBlbHNlJ3Mgc2VjcmV0", resend),
    "postmark": Poster(LOGIN, "perennia:another-password", postmark),
    "sendgrid": Poster(_public(_SENDGRID_KEY), _public(ec.derive_private_key(8, ec.SECP256R1())), sendgrid),
    "mailgun": Poster(_MAILGUN_KEY, "another-key", mailgun),
    "ses": Poster(TOPIC, f"{TOPIC}-of-others", ses),
}
