"""Email over SendGrid's API, version 3: ``sendgrid:KEY?region=eu``.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
"""

from __future__ import annotations

import msgspec

from perennia.providers.addresses import Mailbox
from perennia.providers.email import REFERENCE, Capabilities, OutgoingEmail, SentEmail, ascii_recipient
from perennia.providers.failures import ProviderFailure, Unavailable
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url, region_of

_HOSTS = {"us": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_ACCEPTED = 202


def from_url(url: str) -> SendGridProvider:
    """The adapter's entry point."""
    return SendGridProvider(parse_web_url(url, "sendgrid:KEY", options=("region",)))


class SendGridProvider:
    """Passes the email conformance suite."""

    name = "sendgrid"

    def __init__(self, url: WebUrl) -> None:
        headers = {"Authorization": f"Bearer {url.key}"}
        self._api = WebApi("SendGrid", _HOSTS[region_of(url, _HOSTS)], url, headers)
        self.capabilities = Capabilities(
            idempotent=False,
            at_once=url.connections,
            per_second=url.per_second,
            warm_up=url.warm_up,
            any_local_part=False,
            limit_bytes=30_000_000,
        )

    async def send(self, message: OutgoingEmail) -> SentEmail:
        ascii_recipient(message)
        answer = await self._api.post("/v3/mail/send", _body(message))
        if answer.status == _ACCEPTED:
            return SentEmail(provider_id=answer.headers.get("x-message-id"))
        if answer.accepted:
            raise Unavailable(f"SendGrid answered {answer.status}, which it never does", maybe_sent=True)
        raise _failure(answer)

    async def examine(self) -> str:
        answer = await self._api.call("GET", "/v3/scopes")
        if not answer.accepted:
            raise _failure(answer)
        return "SendGrid takes the key"

    async def close(self) -> None:
        await self._api.close()


class _Error(msgspec.Struct):
    message: str = ""
    field: str | None = None


class _Said(msgspec.Struct):
    errors: list[_Error] = []


def _failure(answer: Answer) -> ProviderFailure:
    said = answer.read(_Said) or _Said()
    field = next((error.field for error in said.errors if error.field), None)
    if answer.status == 400 and field is not None:
        if field.startswith("personalizations.0.to"):
            return answer.invalid_address(field)
        if field.startswith("from"):
            return answer.misconfigured("refused the sender", field)
    return answer.failure(field)


def _body(message: OutgoingEmail) -> dict[str, object]:
    content = [{"type": "text/plain", "value": message.text}]
    if message.html is not None:
        content.append({"type": "text/html", "value": message.html})
    body: dict[str, object] = {
        "personalizations": [{"to": [_mailbox(message.recipient)]}],
        "from": _mailbox(message.sender),
        "subject": message.subject,
        "content": content,
        "headers": {**dict(message.headers), "Message-ID": message.message_id},
        "custom_args": {REFERENCE: message.reference},
    }
    if message.reply_to is not None:
        body["reply_to"] = _mailbox(message.reply_to)
    return body


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"email": mailbox.address, "name": mailbox.name} if mailbox.name else {"email": mailbox.address}
