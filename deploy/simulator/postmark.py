"""Postmark, as its API behaves: https://postmarkapp.com/developer/api/overview (seen 2026-11)."""

from __future__ import annotations

import re
import uuid
from typing import Any

from deploy.simulator.exchange import Fault, Letter, Reply, Request, mailbox, written
from perennia.providers.addresses import Mailbox

TOKEN = "0a1b2c3d-0000-4000-8000-123456789abc"
_LOCAL_PART = re.compile(r"[a-z0-9.!#$%&'`*+\-/=?^_{}|~]+", re.IGNORECASE)


class Postmark:
    name = "postmark"

    def __init__(self, key: str = TOKEN, limit_bytes: int = 10_000_000) -> None:
        self.key = key
        self.limit_bytes = limit_bytes
        self.letters: list[Letter] = []

    def sends(self, request: Request) -> bool:
        return request.path == "/email"

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        if request.headers.get("x-postmark-server-token") != self.key:
            return _error(401, 10, "Request does not contain a valid Server token.")
        match (request.method, request.path):
            case "GET", "/server":
                return Reply(200, {"ID": 1, "Name": "Production"})
            case "POST", "/email":
                return self._send(request, fault)
            case _:
                return Reply(404, "")

    def _send(self, request: Request, fault: Fault | None) -> Reply:
        refusal = _refusal(request, fault, self.limit_bytes)
        if refusal is not None:
            return refusal
        try:
            letter = _letter(request.json)
        except ValueError as error:
            return _error(422, 300, str(error))
        self.letters.append(letter)
        said = {"To": letter.recipients[0], "SubmittedAt": "2026-03-02T09:00:00Z", "MessageID": letter.id}
        return Reply(200, {**said, "ErrorCode": 0, "Message": "OK"})


def _refusal(request: Request, fault: Fault | None, limit_bytes: int) -> Reply | None:
    if len(request.body) > limit_bytes:
        return Reply(413, "<html>413 Request Entity Too Large</html>")
    match fault:
        case Fault.THROTTLED:
            return _error(429, 429, "Rate limit exceeded", {"Retry-After": "7"})
        case Fault.OVERLOADED:
            return _error(503, 100, "Maintenance")
        case Fault.UNKNOWN_RECIPIENT:
            return _error(422, 300, "Invalid 'To' address: 'ben@example.org'.")
        case Fault.REFUSES_RECIPIENT:
            return _error(422, 406, "Found inactive addresses: ben@example.org.")
        case Fault.REFUSES_MESSAGE:
            return _error(422, 300, "Invalid email request: HtmlBody")
        case Fault.REFUSES_SENDER:
            return _error(422, 400, "The 'From' address you supplied is not a Sender Signature on your account.")
        case _:
            return None


def _letter(told: dict[str, Any]) -> Letter:
    recipient = _mailbox("To", told["To"])
    headers: dict[str, str] = {header["Name"]: header["Value"] for header in told.get("Headers") or ()}
    if headers.pop("X-PM-KeepID", None) != "true":
        headers.pop("Message-ID", None)
    reply_to = told.get("ReplyTo")
    metadata: dict[str, str] = told.get("Metadata") or {}
    if any(len(name) > 20 or len(value) > 80 for name, value in metadata.items()):
        raise ValueError("Invalid metadata content.")
    message = written(
        _mailbox("From", told["From"]),
        recipient,
        told.get("Subject", ""),
        told.get("TextBody") or "",
        told.get("HtmlBody"),
        _mailbox("ReplyTo", reply_to) if reply_to else None,
        headers,
    )
    return Letter(str(uuid.uuid4()), message, (recipient.address,), metadata.get("perennia"))


def _mailbox(field: str, text: str) -> Mailbox:
    try:
        found = mailbox(text)
    except ValueError as error:
        message = f"Error parsing '{field}': Illegal email address '{text}'."
        raise ValueError(message) from error
    if not _LOCAL_PART.fullmatch(found.address.rpartition("@")[0]):
        message = f"Invalid '{field}' address: '{text}'."
        raise ValueError(message)
    return found


def _error(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"ErrorCode": code, "Message": message}, headers or {})
