"""The port for sending email, and how its adapters are found.

An adapter is an entry point of the group ``perennia.email_providers``, named by the URL scheme it serves: a callable
that takes the URL and returns an `EmailProvider`. It must pass `tests/providers/email_conformance.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias, cast

from perennia.providers.adapters import adapter
from perennia.providers.addresses import Mailbox
from perennia.providers.failures import Refused
from perennia.providers.warm_up import WarmUp

ENTRY_POINT_GROUP = "perennia.email_providers"
REFERENCE = "perennia"  # under this name providers are told the message's reference, and tell it back

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._-]+@[A-Za-z0-9.-]+>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# Written by the adapter from the fields beside them: nobody else may.
_OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "mime-version"}
    | {"content-type", "content-transfer-encoding", "content-disposition", "return-path", "received"}
)


class UnsafeHeader(ValueError):
    """A header that would break out of its line or take the place of another. The message names the header only."""


@dataclass(frozen=True)
class OutgoingEmail:
    """One message to one recipient, ready to leave.

    ``html`` None: text only. ``headers``: extra ones in order, ASCII. ``message_id``: with its angle brackets. The same
    ``idempotency_key`` means the same message, for providers that can tell. Raises `UnsafeHeader`, so no adapter ever
    sees a header with a line break. ``return_path``: where it comes back to when it cannot be delivered, for adapters that
    hand over to a mail server; None: to the sender. Providers over HTTP have paths of their own.
    """

    sender: Mailbox
    recipient: Mailbox
    subject: str
    text: str
    html: str | None
    message_id: str
    idempotency_key: str
    date: datetime
    reply_to: Mailbox | None = None
    headers: tuple[tuple[str, str], ...] = ()
    return_path: Mailbox | None = None

    def __post_init__(self) -> None:
        if _CONTROL.search(self.subject):
            raise UnsafeHeader("Subject: has a control character")
        if not _MESSAGE_ID.fullmatch(self.message_id):
            raise UnsafeHeader("Message-ID: is not <left@domain>")
        for name, value in self.headers:
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
                raise UnsafeHeader("a header of the message's own, or none at all, cannot be set from outside")
            if not value.isascii() or _CONTROL.search(value):
                raise UnsafeHeader(f"{name}: has a character that is not printable ASCII")

    @property
    def reference(self) -> str:
        """The message's name in what providers tell of it later: the same for the same key, and tells nothing to others."""
        return self.message_id.strip("<>").partition("@")[0]


@dataclass(frozen=True)
class SentEmail:
    """The provider took responsibility for the message. ``provider_id``: its own name for it, where it gave one."""

    provider_id: str | None


@dataclass(frozen=True)
class Capabilities:
    """``idempotent``: a second send with the same idempotency key sends nothing and succeeds.

    ``at_once``: how many messages it works on at the same time; more would wait inside it, and when the process dies nobody
    knows of those that waited whether they left. None: as many as it is given.

    ``remembers``: for how long a key is known; None: for good. ``keeps_message_id``: else it writes one of its own.
    ``any_local_part``: also those that are not ASCII. ``limit_bytes``: the largest message it takes, where it is known.
    ``per_second``: how many messages it may be given, by all workers together; ``warm_up``: how many a day.
    """

    idempotent: bool
    at_once: int | None = None
    remembers: timedelta | None = None
    keeps_message_id: bool = True
    any_local_part: bool = True
    limit_bytes: int | None = None
    per_second: float | None = None
    warm_up: WarmUp | None = None

    def knows(self, age: timedelta) -> bool:
        """Whether a message whose first attempt is at most that old may be asked for again without sending it twice."""
        return self.idempotent and (self.remembers is None or age < self.remembers)


class EmailProvider(Protocol):
    @property
    def name(self) -> str:
        """How the send ledger calls it."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def send(self, message: OutgoingEmail) -> SentEmail:
        """Hands one message over. Returns when the provider has accepted it; raises a `ProviderFailure` otherwise."""
        ...

    async def examine(self) -> str:
        """Asks the provider whether it would take mail from us, and says so in a few words. Sends nothing.

        Raises a `ProviderFailure` otherwise.
        """
        ...

    async def close(self) -> None:
        """Ends idle connections. A provider that was closed may be used again."""
        ...


def ascii_recipient(message: OutgoingEmail) -> None:
    """For providers that take no other: raises `Refused` where the part before the @ is not ASCII."""
    if not message.recipient.is_ascii:
        raise Refused("the part before the @ is not ASCII, which this provider does not take", reason="invalid_address")


EmailProviderFactory: TypeAlias = Callable[[str], EmailProvider]


def email_provider(url: str) -> EmailProvider:
    """The adapter that serves the URL's scheme. Connects to nothing yet. Raises `Misconfigured`."""
    return cast("EmailProviderFactory", adapter(ENTRY_POINT_GROUP, url, "email provider"))(url)
