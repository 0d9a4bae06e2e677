"""Email over Resend's API: ``resend:KEY``.

https://resend.com/docs/api-reference/emails/send-email. Resend remembers an idempotency key for 24 hours.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import msgspec

from perennia.providers.addresses import Mailbox
from perennia.providers.email import REFERENCE, Capabilities, OutgoingEmail, SentEmail, ascii_recipient
from perennia.providers.failures import ProviderFailure, Unavailable
from perennia.providers.mime import mailbox
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url

# A name with any of these needs quotes by RFC 5322, and Resend takes no quoted names (seen by django-anymail, 2024-10).
_NEEDS_QUOTES = frozenset('()<>[]:;@\\,."')


def from_url(url: str) -> ResendProvider:
    """The adapter's entry point."""
    return ResendProvider(parse_web_url(url, "resend:KEY"))


class ResendProvider:
    """Passes the email conformance suite."""

    name = "resend"

    def __init__(self, url: WebUrl) -> None:
        self._api = WebApi("Resend", "https://api.resend.com", url, {"Authorization": f"Bearer {url.key}"})
        self.capabilities = Capabilities(
            idempotent=True,
            remembers=timedelta(hours=24),
            at_once=url.connections,
            per_second=url.per_second,
            warm_up=url.warm_up,
            keeps_message_id=False,
            any_local_part=False,
            limit_bytes=40_000_000,
        )

    async def send(self, message: OutgoingEmail) -> SentEmail:
        ascii_recipient(message)
        # A key has at most 256 characters, and ours may have more.
        key = hashlib.sha256(message.idempotency_key.encode()).hexdigest()
        answer = await self._api.post("/emails", _body(message), {"Idempotency-Key": key})
        if answer.accepted:
            return SentEmail(provider_id=answer.accepted_as(_Said).id)
        said = answer.read(_Said) or _Said()
        if said.name == "invalid_idempotent_request":
            # It knows the key from an attempt whose answer was lost, and what we write now differs (a link, a date).
            return SentEmail(provider_id=None)
        raise _failure(answer, said)

    async def examine(self) -> str:
        answer = await self._api.call("GET", "/domains")
        said = answer.read(_Said) or _Said()
        if answer.accepted or said.name == "restricted_api_key":  # which may do nothing but send: all that we need
            return "Resend takes the key"
        raise answer.failure(said.name)

    async def close(self) -> None:
        await self._api.close()


class _Said(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    message: str = ""


def _failure(answer: Answer, said: _Said) -> ProviderFailure:
    match said.name:
        case "concurrent_idempotent_requests":
            return Unavailable("Resend is still working on an earlier attempt at the message", maybe_sent=True)
        case "invalid_from_address":
            return answer.misconfigured("refused the sender", said.name)
        case "invalid_to_address" if answer.status == 422:
            return answer.invalid_address(said.name)
        case "validation_error" | "invalid_parameter" if answer.status in (400, 422) and "`to`" in said.message:
            return answer.invalid_address(said.name)
        case "validation_error" | "invalid_parameter" if answer.status in (400, 422) and "`from`" in said.message:
            return answer.misconfigured("refused the sender", said.name)
        case _:
            return answer.failure(said.name)


def _body(message: OutgoingEmail) -> dict[str, object]:
    body: dict[str, object] = {
        "from": _sender(message.sender),
        "to": [mailbox(message.recipient, " ")],
        "subject": message.subject,
        "text": message.text,
        "headers": dict(message.headers),
        "tags": [{"name": REFERENCE, "value": message.reference}],
    }
    if message.html is not None:
        body["html"] = message.html
    if message.reply_to is not None:
        body["reply_to"] = [mailbox(message.reply_to, " ")]
    return body


def _sender(mailbox: Mailbox) -> str:
    """Resend takes no encoded words here, and nothing that needs quotes: such characters become blanks."""
    name = "".join(" " if character in _NEEDS_QUOTES else character for character in mailbox.name or "")
    name = " ".join(name.replace("=?", "= ?").split())
    return f"{name} <{mailbox.address}>" if name else mailbox.address
