"""Email over Postmark's API: ``postmark:SERVER_TOKEN?stream=outbound``.

https://postmarkapp.com/developer/api/email-api. ``stream``: the message stream, for broadcasts one of their own.
"""

from __future__ import annotations

import re

import msgspec

from perennia.providers.email import REFERENCE, Capabilities, OutgoingEmail, SentEmail, ascii_recipient
from perennia.providers.failures import ProviderFailure
from perennia.providers.mime import mailbox
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url

# https://postmarkapp.com/developer/api/overview#error-codes (2026-11).
_SENDER_CODES = frozenset({400, 401})
_ACCOUNT_CODES = frozenset({10, 405, 412, 413, 1235})  # token, out of credits, pending, may not send, no such stream
_INACTIVE_RECIPIENT = 406
_MAINTENANCE = 100
_INVALID_REQUEST = 300


def from_url(url: str) -> PostmarkProvider:
    """The adapter's entry point."""
    return PostmarkProvider(parse_web_url(url, "postmark:SERVER_TOKEN", options=("stream",)))


class PostmarkProvider:
    """Passes the email conformance suite."""

    name = "postmark"

    def __init__(self, url: WebUrl) -> None:
        headers = {"X-Postmark-Server-Token": url.key}
        self._api = WebApi("Postmark", "https://api.postmarkapp.com", url, headers)
        self._stream = url.options.get("stream", "outbound")
        self.capabilities = Capabilities(
            idempotent=False,
            at_once=url.connections,
            per_second=url.per_second,
            warm_up=url.warm_up,
            any_local_part=False,
            limit_bytes=10_000_000,
        )

    async def send(self, message: OutgoingEmail) -> SentEmail:
        ascii_recipient(message)
        answer = await self._api.post("/email", _body(message, self._stream))
        said = answer.accepted_as(_Said) if answer.accepted else answer.read(_Said) or _Said()
        if answer.accepted and said.error == 0:
            return SentEmail(provider_id=said.id)
        raise _failure(answer, said)

    async def examine(self) -> str:
        answer = await self._api.call("GET", "/server")
        if answer.accepted:
            return f"Postmark takes the token; mail leaves through the stream {self._stream}"
        said = answer.read(_Said) or _Said()
        raise _failure(answer, said)

    async def close(self) -> None:
        await self._api.close()


class _Said(msgspec.Struct):
    error: int = msgspec.field(default=0, name="ErrorCode")
    message: str = msgspec.field(default="", name="Message")
    id: str | None = msgspec.field(default=None, name="MessageID")


def _failure(answer: Answer, said: _Said) -> ProviderFailure:
    match said.error:
        case code if code in _SENDER_CODES:
            return answer.misconfigured("refused the sender", code)
        case code if code in _ACCOUNT_CODES:
            return answer.misconfigured("refused the token, the stream, or what the account may do", code)
        case code if code == _INACTIVE_RECIPIENT:
            return answer.refused_recipient(code)
        case code if code == _MAINTENANCE:
            return answer.later(code)
        case code if code == _INVALID_REQUEST and re.match(r"(Invalid|Error parsing) 'To'", said.message):
            return answer.invalid_address(code)
        case code if code == _INVALID_REQUEST and re.match(r"(Invalid|Error parsing) 'From'", said.message):
            return answer.misconfigured("refused the sender", code)
        case code:
            return answer.failure(code)


def _body(message: OutgoingEmail, stream: str) -> dict[str, object]:
    headers = (*message.headers, ("Message-ID", message.message_id), ("X-PM-KeepID", "true"))
    body: dict[str, object] = {
        "From": mailbox(message.sender, " "),
        "To": mailbox(message.recipient, " "),
        "Subject": message.subject,
        "TextBody": message.text,
        "Headers": [{"Name": name, "Value": value} for name, value in headers],
        "Metadata": {REFERENCE: message.reference},
        "MessageStream": stream,
    }
    if message.html is not None:
        body["HtmlBody"] = message.html
    if message.reply_to is not None:
        body["ReplyTo"] = mailbox(message.reply_to, " ")
    return body
