"""Amazon SES, as version 2 of its API behaves: https://docs.aws.amazon.com/ses/latest/APIReference-V2 (seen 2026-11)."""

from __future__ import annotations

import re
import uuid
from base64 import b64decode
from typing import Any

from deploy.simulator.exchange import Fault, Letter, Reply, Request, mailbox, parsed, written
from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.aws_signature import Credentials, Service, authorization

KEY = "AKIASIMULATED:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-west-1"
_SIGNATURE = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/[^,]+, ?SignedHeaders=([^,]+), ?Signature=\w+")


class Ses:
    """``key``: key id and secret, with a colon between them."""

    name = "ses"

    def __init__(self, key: str = KEY, limit_bytes: int = 40_000_000, region: str = REGION) -> None:
        self.key = key
        self.limit_bytes = limit_bytes
        self.letters: list[Letter] = []
        self._service = Service("ses", region)

    def sends(self, request: Request) -> bool:
        return request.path == "/v2/email/outbound-emails"

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        refusal = self._stranger(request)
        if refusal is not None:
            return refusal
        match (request.method, request.path):
            case "GET", "/v2/email/account":
                return Reply(200, {"SendingEnabled": True, "ProductionAccessEnabled": True})
            case "POST", "/v2/email/outbound-emails":
                return self._send(request, fault)
            case _:
                return _error(404, "NotFoundException", "")

    def _stranger(self, request: Request) -> Reply | None:
        """Signs the request anew with the secret that we know, and compares."""
        found = _SIGNATURE.fullmatch(request.headers.get("authorization", ""))
        key_id, _, secret = self.key.partition(":")
        if found is None or found.group(1) != key_id:
            return _error(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        signed = {name: request.headers[name] for name in found.group(2).split(";")}
        url = f"http://{request.headers['host']}{request.path}"
        right = authorization(Credentials(key_id, secret), self._service, request.method, url, request.body, signed)
        if right.replace(" ", "") != found.group(0).replace(" ", ""):
            return _error(403, "InvalidSignatureException", "The request signature we calculated does not match.")
        return None

    def _send(self, request: Request, fault: Fault | None) -> Reply:
        refusal = _refusal(request, fault, self.limit_bytes)
        if refusal is not None:
            return refusal
        try:
            letter = _letter(request.json)
        except InvalidAddress:
            return _error(400, "BadRequestException", "Local address contains control or whitespace")
        self.letters.append(letter)
        return Reply(200, {"MessageId": letter.id})


def _refusal(request: Request, fault: Fault | None, limit_bytes: int) -> Reply | None:
    if len(request.body) > limit_bytes:
        return _error(400, "MessageRejected", f"Message length is more than {limit_bytes} bytes long")
    match fault:
        case Fault.THROTTLED:
            return _error(429, "TooManyRequestsException", "Maximum sending rate exceeded.", {"Retry-After": "7"})
        case Fault.OVERLOADED:
            return _error(503, "ServiceUnavailableException", "Service is unavailable")
        case Fault.UNKNOWN_RECIPIENT:
            return _error(400, "BadRequestException", "Illegal address: ben@example.org")
        case Fault.REFUSES_RECIPIENT:
            return _error(400, "MessageRejected", "ben@example.org is on a list.")
        case Fault.REFUSES_MESSAGE:
            return _error(400, "MessageRejected", "The message contains a virus.")
        case Fault.REFUSES_SENDER:
            return _error(400, "MessageRejected", "Email address is not verified: hello@example.com")
        case _:
            return None


def _letter(told: dict[str, Any]) -> Letter:
    """SES writes Message-ID and Date itself, whatever the message says."""
    recipients = tuple(mailbox(each).address for each in told["Destination"]["ToAddresses"])
    identity = uuid.uuid4().hex
    if "Raw" in told["Content"]:
        message = parsed(b64decode(told["Content"]["Raw"]["Data"]))
        message.replace_header("Message-ID", f"<{identity}@eu-west-1.amazonses.com>")
    else:
        simple = told["Content"]["Simple"]
        text = simple["Body"]["Text"]["Data"]
        message = written(
            mailbox(told["FromEmailAddress"]), Mailbox(recipients[0]), simple["Subject"]["Data"], text, None, None, {}
        )
    tags = {tag["Name"]: tag["Value"] for tag in told.get("EmailTags", [])}
    return Letter(identity, message, recipients, tags.get("perennia"))


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": code, **(headers or {})})
