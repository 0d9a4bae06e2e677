"""The port for what providers tell of messages that have left, and how its readers are found.

A reader is an entry point of the group ``perennia.report_readers``, named by its provider: a callable that takes the secret
with which the provider signs, and returns a `ReportReader`. It must pass `tests/providers/test_report_readers.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Literal, Protocol, TypeAlias, TypeVar, cast

import httpx
import msgspec

from perennia.providers.failures import Misconfigured

ENTRY_POINT_GROUP = "perennia.report_readers"

T = TypeVar("T")
BounceKind: TypeAlias = Literal["hard", "soft", "block"]


class Happening(StrEnum):
    """What became of a message, in the words of no provider."""

    QUEUED = "queued"
    SENT = "sent"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    UNSUBSCRIBED = "unsubscribed"
    REMARKED = "remarked"


@dataclass(frozen=True)
class Report:
    """One thing that happened to one message.

    ``id``: the same each time the provider tells it. ``token``: of a call that counts once, whatever it says.
    ``reference``: the message's, as it was given when the message was sent. ``bounce``: ``hard`` for an address that does not
    exist, ``soft`` for one that may work again, ``block`` where the message or we are not wanted. ``machine``: by a proxy or
    scanner, as far as the provider can tell. ``raw``: the provider's own words.
    """

    id: str
    what: Happening
    reference: str | None
    recipient: str | None
    raw: str
    bounce: BounceKind | None = None
    machine: bool = False
    token: str | None = None


class ReportError(Exception):
    """Why a call is not taken. No text of the call's is in the message.

    ReportError
    +-- Unsigned      not from the provider, or too old
    +-- Unreadable    from it, and in a form that we do not know
    +-- Unverifiable  the provider's certificate cannot be had right now; may pass
    """


class Unsigned(ReportError):
    pass


class Unreadable(ReportError):
    pass


class Unverifiable(ReportError):
    pass


@dataclass(frozen=True)
class Call:
    """A provider's POST. ``headers``: names in lower case. ``at``: when it came, by the wall clock that signatures mean."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime

    def json(self, form: type[T]) -> T:
        """Raises `Unreadable`."""
        try:
            return msgspec.json.decode(self.body, type=form)
        except msgspec.MsgspecError as error:
            raise Unreadable("the body is not what the provider sends") from error


class ReportReader(Protocol):
    async def read(self, call: Call) -> Sequence[Report]:
        """What the call tells; nothing where it tells nothing of messages. Raises a `ReportError`."""
        ...


ReportReaderFactory: TypeAlias = Callable[[str], ReportReader]
Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]


def report_reader(provider: str, secret: str) -> ReportReader:
    """Raises `Misconfigured`, never with the secret in its message."""
    readers = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if provider not in readers:
        raise Misconfigured(f"nobody reads the reports of {provider!r}; there are: {', '.join(sorted(readers))}")
    return cast("ReportReaderFactory", readers[provider].load())(secret)


async def fetched(url: str) -> bytes:
    """What is at the address. Raises `Unverifiable`."""
    try:
        async with httpx.AsyncClient(timeout=10.0) as client:
            answer = await client.get(url)
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Unverifiable(f"{httpx.URL(url).host} does not answer ({type(error).__name__})") from error
    return answer.content


def same(given: str, right: str) -> bool:
    """Compared in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def digest(*parts: str | bytes) -> str:
    """A name for what has none of its own."""
    whole = b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha256(whole).hexdigest()[:40]


def decoded(text: str, what: str) -> bytes:
    """Raises `Misconfigured` for what is not base64."""
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise Misconfigured(f"{what} is base64; copy it anew") from error


def instant(seconds: str) -> datetime:
    """An instant from Unix seconds in a header. Raises `Unsigned`: only what is signed has one."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unsigned("the call has no time that can be read") from error
