"""Mailgun, as its API behaves: https://documentation.mailgun.com/docs/mailgun/api-reference (seen 2026-11)."""

from __future__ import annotations

from base64 import b64encode
from email.message import EmailMessage

from deploy.simulator.exchange import Fault, Letter, Reply, Request, mailbox, parsed, written
from perennia.providers.addresses import Mailbox

KEY = "key-simulated"
DOMAIN = "mg.example.com"


class Mailgun:
    name = "mailgun"

    def __init__(self, key: str = KEY, limit_bytes: int = 25_000_000, domain: str = DOMAIN) -> None:
        self.key = key
        self.limit_bytes = limit_bytes
        self.letters: list[Letter] = []
        self._domain = domain

    def sends(self, request: Request) -> bool:
        return "/messages" in request.path and b'name="to"' in request.body

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        login = b64encode(f"api:{self.key}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            return Reply(401, "Forbidden", {"Content-Type": "text/plain"})
        if request.method != "POST" or not request.path.endswith((".mime", "/messages")):
            return Reply(404, "404 page not found")
        if f"/v3/{self._domain}/" not in request.path:
            return Reply(404, {"message": "Domain not found"})
        return self._send(request, fault)

    def _send(self, request: Request, fault: Fault | None) -> Reply:
        refusal = _refusal(request, fault, self.limit_bytes)
        if refusal is not None:
            return refusal
        form = _form(request)
        if not form.get("to"):
            return Reply(400, {"message": "to parameter is missing"})
        try:
            recipient = mailbox(form["to"].decode())
        except ValueError:
            return Reply(400, {"message": "'to' parameter is not a valid address. please check documentation"})
        message = parsed(form["message"]) if "message" in form else _written(form, recipient)
        reference = form.get("v:perennia", b"").decode() or None
        letter = Letter(str(message["Message-ID"]).strip("<>"), message, (recipient.address,), reference)
        self.letters.append(letter)
        return Reply(200, {"id": f"<{letter.id}>", "message": "Queued. Thank you."})


def _refusal(request: Request, fault: Fault | None, limit_bytes: int) -> Reply | None:
    if len(request.body) > limit_bytes:
        return Reply(413, "Request Entity Too Large")
    match fault:
        case Fault.THROTTLED:
            return Reply(429, {"message": "Too many requests"}, {"Retry-After": "7"})
        case Fault.OVERLOADED:
            return Reply(500, {"message": "Internal Server Error"})
        case Fault.UNKNOWN_RECIPIENT:
            return Reply(400, {"message": "'to' parameter is not a valid address. please check documentation"})
        case Fault.REFUSES_RECIPIENT:
            return Reply(400, {"message": "ben@example.org is on the list of those you must not write to"})
        case Fault.REFUSES_MESSAGE:
            return Reply(400, {"message": "message is not a valid MIME message"})
        case Fault.REFUSES_SENDER:
            return Reply(403, {"message": "Domain mg.example.com is not allowed to send: unverified"})
        case _:
            return None


def _form(request: Request) -> dict[str, bytes]:
    """The fields of a form, by name."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n"
    form = parsed(head.encode() + request.body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True) or b""  # pyright: ignore[reportReturnType] -- bytes, when decoded
        for part in form.iter_parts()
    }


def _written(form: dict[str, bytes], recipient: Mailbox) -> EmailMessage:
    told = {name: value.decode() for name, value in form.items()}
    return written(mailbox(told["from"]), recipient, told["subject"], told.get("text", ""), told.get("html"), None, {})
