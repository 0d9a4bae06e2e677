"""The company's mailboxes: the installation's inbox, read over its page's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import httpx
import msgspec

TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Mail:
    """``number`` is the inbox's own."""

    number: int
    recipient: str
    subject: str


class _Summary(msgspec.Struct):
    id: int
    recipients: list[str]
    subject: str


class _Listing(msgspec.Struct):
    messages: list[_Summary]


class _Message(msgspec.Struct):
    headers: list[tuple[str, str]]


class Mailbox:
    """Remembers what it has seen: each mail comes once."""

    def __init__(self, inbox: str) -> None:
        self._client = httpx.AsyncClient(base_url=inbox, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._last = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def new_mail(self) -> list[Mail]:
        """What has come since the last call, oldest first; nothing while the inbox is away."""
        try:
            answer = await self._client.get("/messages.json", params={"after": self._last})
            answer.raise_for_status()
        except httpx.HTTPError:
            return []
        listing = msgspec.json.decode(answer.content, type=_Listing)
        found = sorted(listing.messages, key=lambda message: message.id)
        self._last = found[-1].id if found else self._last
        return [Mail(one.id, recipient, one.subject) for one in found for recipient in one.recipients]

    async def unsubscribe(self, mail: Mail) -> bool:
        """Uses the mail's one-click link as a mail program does (RFC 8058). False where it has none, or it failed."""
        try:
            answer = await self._client.get(f"/messages/{mail.number}.json")
            answer.raise_for_status()
            headers = {
                name.lower(): value for name, value in msgspec.json.decode(answer.content, type=_Message).headers
            }
            if "list-unsubscribe-post" not in headers:
                return False
            link = headers["list-unsubscribe"].strip().strip("<>")
            done = await self._client.post(link, data={"List-Unsubscribe": "One-Click"})
        except httpx.HTTPError:
            return False
        return done.is_success
