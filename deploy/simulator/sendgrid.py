"""SendGrid, as its API (version 3) behaves: https://www.twilio.com/docs/sendgrid/api-reference (seen 2026-11)."""

from __future__ import annotations

import uuid
from typing import Any

from deploy.simulator.exchange import Fault, Letter, Reply, Request, written
from perennia.providers.addresses import InvalidAddress, Mailbox

KEY = "SG.simulated.key"
_RESERVED = frozenset({"to", "from", "subject", "reply-to", "cc", "bcc", "content-type", "received", "dkim-signature"})


class SendGrid:
    name = "sendgrid"

    def __init__(self, key: str = KEY, limit_bytes: int = 30_000_000) -> None:
        self.key = key
        self.limit_bytes = limit_bytes
        self.letters: list[Letter] = []

    def sends(self, request: Request) -> bool:
        return request.path == "/v3/mail/send"

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, None, "The provided authorization grant is invalid, expired, or revoked")
        match (request.method, request.path):
            case "GET", "/v3/scopes":
                return Reply(200, {"scopes": ["mail.send"]})
            case "POST", "/v3/mail/send":
                return self._send(request, fault)
            case _:
                return Reply(404, "")

    def _send(self, request: Request, fault: Fault | None) -> Reply:
        refusal = _refusal(request, fault, self.limit_bytes)
        if refusal is not None:
            return refusal
        try:
            letter = _letter(request.json)
        except _Wrong as error:
            return _error(400, error.field, "Does not contain a valid address.")
        self.letters.append(letter)
        return Reply(202, None, {"X-Message-Id": letter.id})


class _Wrong(Exception):
    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _refusal(request: Request, fault: Fault | None, limit_bytes: int) -> Reply | None:
    if len(request.body) > limit_bytes:
        return _error(413, None, "The payload is too large")
    match fault:
        case Fault.THROTTLED:
            return _error(429, None, "too many requests", {"Retry-After": "7"})
        case Fault.OVERLOADED:
            return _error(503, None, "Service Unavailable")
        case Fault.UNKNOWN_RECIPIENT:
            return _error(400, "personalizations.0.to.0.email", "ben@example.org is no address.")
        case Fault.REFUSES_RECIPIENT:
            return _error(400, "personalizations", "ben@example.org cannot be written to.")
        case Fault.REFUSES_MESSAGE:
            return _error(
                400, "content.1.value", "The content value must be a string at least one character in length."
            )
        case Fault.REFUSES_SENDER:
            return _error(403, "from", "The from address does not match a verified Sender Identity.")
        case _:
            return None


def _letter(told: dict[str, Any]) -> Letter:
    (personalization,) = told["personalizations"]
    recipients = [
        _mailbox(f"personalizations.0.to.{index}.email", each) for index, each in enumerate(personalization["to"])
    ]
    headers = told.get("headers", {})
    if any(name.lower() in _RESERVED for name in headers):
        raise _Wrong("headers")
    content = {part["type"]: part["value"] for part in told["content"]}
    message = written(
        _mailbox("from.email", told["from"]),
        recipients[0],
        told["subject"],
        content["text/plain"],
        content.get("text/html"),
        _mailbox("reply_to.email", told["reply_to"]) if "reply_to" in told else None,
        headers,
    )
    reference = told.get("custom_args", {}).get("perennia")
    return Letter(uuid.uuid4().hex, message, tuple(each.address for each in recipients), reference)


def _mailbox(field: str, told: dict[str, str]) -> Mailbox:
    try:
        found = Mailbox(told["email"], told.get("name"))
    except InvalidAddress as error:
        raise _Wrong(field) from error
    if not found.is_ascii:
        raise _Wrong(field)
    return found


def _error(status: int, field: str | None, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"errors": [{"message": message, "field": field, "help": None}]}, headers or {})
