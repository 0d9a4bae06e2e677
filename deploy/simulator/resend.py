"""Resend, as its API behaves: https://resend.com/docs/api-reference (seen 2026-11)."""

from __future__ import annotations

import re
import uuid
from typing import Any

from deploy.simulator.exchange import Fault, Letter, Reply, Request, fingerprint, mailbox, written
from perennia.providers.addresses import Mailbox

KEY = "re_123456789"


class Resend:
    """``answered``: by idempotency key, the fingerprint of the request and what was replied."""

    name = "resend"

    def __init__(self, key: str = KEY, limit_bytes: int = 40_000_000) -> None:
        self.key = key
        self.limit_bytes = limit_bytes
        self.letters: list[Letter] = []
        self.answered: dict[str, tuple[str, Reply]] = {}

    def sends(self, request: Request) -> bool:
        return request.path == "/emails"

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        authorization = request.headers.get("authorization")
        if authorization is None:
            return _error(401, "missing_api_key", "Missing API key in the authorization header.")
        if authorization != f"Bearer {self.key}":
            return _error(403, "invalid_api_key", "API key is invalid.")
        match (request.method, request.path):
            case "GET", "/domains":
                return Reply(200, {"object": "list", "data": []})
            case "POST", "/emails":
                return self._send(request, fault)
            case _:
                return _error(404, "not_found", "The requested endpoint does not exist.")

    def _send(self, request: Request, fault: Fault | None) -> Reply:
        key = request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= 256:
            return _error(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        refusal = _refusal(request, fault, self.limit_bytes)
        if refusal is not None:
            return refusal
        if key in self.answered:
            known, reply = self.answered[key]
            if known == fingerprint(request.body):
                return reply
            return _error(
                409, "invalid_idempotent_request", "Same idempotency key used with a different request payload."
            )
        try:
            letter = _letter(request.json)
        except ValueError as error:
            return _error(
                422, "validation_error", f"Invalid {error.args[0]} field. The email address needs to follow the format"
            )
        self.letters.append(letter)
        reply = Reply(200, {"id": letter.id})
        if key is not None:
            self.answered[key] = fingerprint(request.body), reply
        return reply


def _refusal(request: Request, fault: Fault | None, limit_bytes: int) -> Reply | None:
    if len(request.body) > limit_bytes:
        return _error(413, "validation_error", "The request is too large.")
    match fault:
        case Fault.THROTTLED:
            headers = {"retry-after": "7", "ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "7"}
            return _error(429, "rate_limit_exceeded", "Too many requests.", headers)
        case Fault.OVERLOADED:
            return _error(500, "application_error", "An unexpected error occurred.")
        case Fault.UNKNOWN_RECIPIENT:
            return _error(422, "validation_error", "Invalid `to` field. <ben@example.org> is no address that exists.")
        case Fault.REFUSES_RECIPIENT:
            return _error(422, "recipient_suppressed", "We do not send to ben@example.org.")
        case Fault.REFUSES_MESSAGE:
            return _error(422, "validation_error", "The `html` field looks like spam.")
        case Fault.REFUSES_SENDER:
            return _error(403, "validation_error", "The example.com domain is not verified.")
        case _:
            return None


def _letter(told: dict[str, Any]) -> Letter:
    recipients = [_mailbox("`to`", each) for each in told["to"]]
    reply_to = [_mailbox("`reply_to`", each) for each in told.get("reply_to", [])]
    tags = {tag["name"]: tag["value"] for tag in told.get("tags", [])}
    if any(not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", each) for pair in tags.items() for each in pair):
        raise ValueError("`tags`")
    message = written(
        _mailbox("`from`", told["from"]),
        recipients[0],
        told["subject"],
        told.get("text", ""),
        told.get("html"),
        reply_to[0] if reply_to else None,
        told.get("headers", {}),
    )
    return Letter(str(uuid.uuid4()), message, tuple(each.address for each in recipients), tags.get("perennia"))


def _mailbox(field: str, text: str) -> Mailbox:
    """Resend takes no quoted names at all, and no encoded ones in ``from``."""
    name, _, rest = text.rpartition("<")
    if '"' in name or (field == "`from`" and ("=?" in name or re.search(r"[,;:@()]", name))):
        raise ValueError(field)
    try:
        return mailbox(text) if not name or "=?" in name else Mailbox(rest.removesuffix(">"), name.strip())
    except ValueError as error:
        raise ValueError(field) from error


def _error(status: int, name: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"statusCode": status, "name": name, "message": message}, headers or {})
