"""``If-None-Match`` on whatever is looked at: who has it already gets 304 and no body (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Of what says nothing of the content.
_NOT_SENT = ("content-length", "content-type")


@dataclass(frozen=True)
class Conditional:
    """Gives each JSON answer to a GET under ``/api/v1/`` a tag, where its route has given it none. Streams go through."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/api/v1/")
        await self.app(
            scope, receive, _Tagging(send, Headers(scope=scope).get("if-none-match")).tell if is_ours else send
        )


@dataclass
class _Tagging:
    send: Send
    known: str | None
    start: Message | None = None

    async def tell(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_json = Headers(raw=message["headers"]).get("content-type", "").startswith("application/json")
            if message["status"] == 200 and is_json:
                self.start = message
                return
        elif self.start is not None:
            start, self.start = self.start, None
            message = self._tagged(start, message)
            await self.send(start)
        await self.send(message)

    def _tagged(self, start: Message, body: Message) -> Message:
        """The body to send: none where the tag is known."""
        headers = MutableHeaders(scope=start)
        if body.get("more_body", False):
            return body
        tag = headers.setdefault("ETag", f'W/"{hashlib.sha256(body["body"]).hexdigest()[:32]}"')
        if not _matches(self.known, tag):
            return body
        start["status"] = 304
        for name in _NOT_SENT:
            del headers[name]
        return {**body, "body": b""}


def _matches(known: str | None, tag: str) -> bool:
    """Compared weakly: a tag's ``W/`` makes no difference."""
    if known is None:
        return False
    told = [each.strip().removeprefix("W/") for each in known.split(",")]
    return "*" in told or tag.removeprefix("W/") in told
