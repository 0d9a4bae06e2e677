"""What Amazon SES tells of messages, through SNS: the events of a configuration set, posted by a topic.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html (seen 2026-11).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from perennia.providers.email import REFERENCE
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import BounceKind, Call, Fetch, Happening, Report, Unreadable, Unsigned, fetched

_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[A-Za-z0-9_.-]+")
# Whoever may name another host may sign with a certificate of their own.
_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]+\.pem")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - SNS's default still

_HAPPENINGS = {
    "Send": Happening.SENT,
    "DeliveryDelay": Happening.DEFERRED,
    "Delivery": Happening.DELIVERED,
    "Bounce": Happening.BOUNCED,
    "Reject": Happening.BOUNCED,
    "Complaint": Happening.COMPLAINED,
    "Open": Happening.OPENED,
    "Click": Happening.CLICKED,
    "Subscription": Happening.UNSUBSCRIBED,
}
_BLOCKS = frozenset({"ContentRejected", "AttachmentRejected", "MessageTooLarge"})


class SesReports:
    """``secret``: the ARN of the topic; several with blanks between them. ``fetch``: gets certificates, and confirms."""

    def __init__(self, secret: str, fetch: Fetch = fetched) -> None:
        self._topics = frozenset(secret.split())
        if not self._topics or not all(_ARN.fullmatch(topic) for topic in self._topics):
            raise Misconfigured("SES tells through SNS: give the ARN of the topic, arn:aws:sns:REGION:ACCOUNT:NAME")
        self._fetch = fetch
        self._keys: dict[str, rsa.RSAPublicKey] = {}

    async def read(self, call: Call) -> Sequence[Report]:
        told = call.json(_Sns)
        if told.TopicArn not in self._topics:
            raise Unsigned("the call is of another topic than ours")
        await self._verify(told)
        if told.Type == "SubscriptionConfirmation":
            await self._fetch(_amazons(told.SubscribeURL or ""))
        if told.Type != "Notification":
            return []
        try:
            event = msgspec.json.decode(told.Message, type=_Event)
        except msgspec.MsgspecError:
            return []  # words of SNS itself: "Successfully validated SNS topic for Amazon SES event publishing."
        return _reports(told, event)

    async def _verify(self, told: _Sns) -> None:
        names = _NOTIFICATION if told.Type == "Notification" else _CONFIRMATION
        fields: list[tuple[str, str | None]] = [(name, getattr(told, name)) for name in names]
        signed = "".join(f"{name}\n{value}\n" for name, value in fields if value is not None)
        algorithm = _HASHES.get(told.SignatureVersion)
        if algorithm is None or not told.Signature:
            raise Unsigned("the call is not signed in a way that we know")
        if not _CERTIFICATE.fullmatch(urlsplit(told.SigningCertURL).path):
            raise Unsigned("the call names no certificate of SNS")
        key = await self._key(_amazons(told.SigningCertURL))
        try:
            key.verify(b64decode(told.Signature), signed.encode(), padding.PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError) as error:
            raise Unsigned("the signature is not Amazon's") from error

    async def _key(self, url: str) -> rsa.RSAPublicKey:
        if url not in self._keys:
            try:
                key = load_pem_x509_certificate(await self._fetch(url)).public_key()
            except ValueError as error:
                raise Unreadable("what is at the certificate's address is no certificate") from error
            if not isinstance(key, rsa.RSAPublicKey):
                raise Unsigned("the certificate has a key of another kind")
            self._keys[url] = key
        return self._keys[url]


class _Sns(msgspec.Struct):
    Type: str = ""
    MessageId: str = ""
    TopicArn: str = ""
    Message: str = ""
    Timestamp: str = ""
    Signature: str = ""
    SignatureVersion: str = ""
    SigningCertURL: str = ""
    Subject: str | None = None
    Token: str | None = None
    SubscribeURL: str | None = None


class _Recipient(msgspec.Struct, rename="camel"):
    email_address: str = ""


class _Bounce(msgspec.Struct, rename="camel"):
    bounce_type: str = ""
    bounce_sub_type: str = ""
    bounced_recipients: list[_Recipient] = []


class _Complaint(msgspec.Struct, rename="camel"):
    complained_recipients: list[_Recipient] = []


class _Mail(msgspec.Struct, rename="camel"):
    destination: list[str] = []
    tags: dict[str, list[str]] = {}


class _Event(msgspec.Struct, rename="camel"):
    """``notification_type``: how the notifications of an identity, which carry no tags, name the same."""

    event_type: str = ""
    notification_type: str = ""
    mail: _Mail = msgspec.field(default_factory=_Mail)
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None


def _reports(told: _Sns, event: _Event) -> list[Report]:
    kind = event.event_type or event.notification_type
    what = _HAPPENINGS.get(kind)
    if what is None:
        return []
    return [
        Report(
            id=f"{told.MessageId}/{place}",
            what=what,
            reference=next(iter(event.mail.tags.get(REFERENCE, [])), None),
            recipient=recipient,
            raw=told.Message,
            bounce=_bounce(event.bounce) if what is Happening.BOUNCED else None,
        )
        for place, recipient in enumerate(_recipients(event))
    ]


def _recipients(event: _Event) -> Sequence[str]:
    """Whom it is about: all of a message's, where SES does not say whose it is."""
    if event.bounce is not None:
        return [each.email_address for each in event.bounce.bounced_recipients]
    if event.complaint is not None:
        return [each.email_address for each in event.complaint.complained_recipients]
    return event.mail.destination


def _bounce(bounce: _Bounce | None) -> BounceKind:
    match bounce:
        case None:
            return "block"  # SES found a virus in it
        case _Bounce(bounce_type="Permanent"):
            return "hard"
        case _Bounce(bounce_sub_type=kind) if kind in _BLOCKS:
            return "block"
        case _:
            return "soft"


def _amazons(url: str) -> str:
    """The same address, if SNS answers there. Raises `Unsigned`."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc):
        raise Unsigned("the call names an address that is not of Amazon's SNS")
    return url
