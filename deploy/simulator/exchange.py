"""What a simulated API is: requests in, replies out, and what it was told to do wrong."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from enum import StrEnum
from typing import Any, Protocol

from perennia.providers.addresses import Mailbox
from perennia.providers.email import OutgoingEmail
from perennia.providers.mime import compose

# Every reply holds something that no client knows: APIs grow.
UNKNOWN_FIELD = {"added_later": {"by": "the provider", "list": [1, 2]}}


class Fault(StrEnum):
    """What happens to one message."""

    THROTTLED = "throttled"
    OVERLOADED = "overloaded"
    SILENT = "silent"
    REFUSES_RECIPIENT = "refuses_recipient"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    REFUSES_MESSAGE = "refuses_message"
    REFUSES_SENDER = "refuses_sender"
    DROPPED_EARLY = "dropped_early"
    DROPPED_LATE = "dropped_late"
    LOST_BEHIND_A_GATEWAY = "lost_behind_a_gateway"
    GARBLED = "garbled"


@dataclass(frozen=True)
class Request:
    """``headers``: names in lower case. ``path``: without the query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps({**self.body, **UNKNOWN_FIELD}).encode()


@dataclass(frozen=True)
class Letter:
    """A message that the provider took. ``reference``: what the sender wants told back with each event about it."""

    id: str
    message: EmailMessage
    recipients: tuple[str, ...]
    reference: str | None = None


class Service(Protocol):
    """One provider's API. Requests that meet faults get theirs, if there is one for them."""

    name: str
    key: str

    def sends(self, request: Request) -> bool:
        """Whether the request meets faults: about a message, about a CRM's records."""
        ...

    def answer(self, request: Request, fault: Fault | None) -> Reply: ...


class Api(Service, Protocol):
    """What takes messages."""

    limit_bytes: int
    letters: list[Letter]


@dataclass
class Mischief:
    """``faults``: for the coming messages, in order; those after them are taken."""

    faults: deque[Fault] = field(default_factory=deque[Fault])

    def expect(self, *faults: Fault) -> None:
        self.faults.extend(faults)

    def next(self) -> Fault | None:
        return self.faults.popleft() if self.faults else None


def mailbox(text: str) -> Mailbox:
    """One mailbox as RFC 5322 writes it, in encoded words too. Raises `ValueError` for what is none, or more than one."""
    header = EmailMessage()
    header["To"] = text
    addresses = header["To"].addresses
    if len(addresses) != 1 or header["To"].defects:
        raise ValueError(text)
    # Not its display name: Python's parser adds a blank between two encoded words.
    name = str(make_header(decode_header(parseaddr(text)[0])))
    return Mailbox(addresses[0].addr_spec, name or None)


def written(
    sender: Mailbox,
    recipient: Mailbox,
    subject: str,
    text: str,
    html: str | None,
    reply_to: Mailbox | None,
    headers: Mapping[str, str],
) -> EmailMessage:
    """The message that a provider writes from the fields it was given; Message-ID and Date are its own if it was given none."""
    own = {name: value for name, value in headers.items() if name in {"Message-ID", "Date"}}
    email = OutgoingEmail(
        sender=sender,
        recipient=recipient,
        subject=subject,
        text=text,
        html=html,
        message_id=own.get("Message-ID") or f"<{uuid.uuid4()}@provider.example>",
        idempotency_key="",
        date=datetime.fromisoformat(own["Date"]) if "Date" in own else datetime.now(UTC),
        reply_to=reply_to,
        headers=tuple((name, value) for name, value in headers.items() if name not in own),
    )
    return parsed(compose(email))


def parsed(source: bytes) -> EmailMessage:
    return message_from_bytes(source, policy=policy.default)


def fingerprint(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
