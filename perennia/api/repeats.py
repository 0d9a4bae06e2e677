"""Requests that come twice: a write with the ``Idempotency-Key`` of one that was carried out gets that one's answer.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ (version 07). Only what was done is kept, for a day:
a refusal changed nothing, and the same key may try again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perennia.access.callers import Caller
from perennia.access.ring import wall_clock
from perennia.api.problems import MEDIA_TYPE, Problem, store_unavailable
from perennia.store.access_port import Access
from perennia.store.access_records import GivenReply
from perennia.store.port import StoreUnavailable

HEADER: Final = "Idempotency-Key"
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT_HEADERS: Final = ("content-type", "etag", "location")
MOST_BYTES: Final = 1024 * 1024  # a longer answer is not kept; the longest of ours are plans, which change nothing
# Bare, or in quotes as the draft has it.
FORM: Final = r'"?([!#-\[\]-~]{1,255})"?'
_KEY: Final = re.compile(FORM)

# The name under which what this request does is stored once, however often it is carried out; None: it has none.
REQUEST: ContextVar[str | None] = ContextVar("request", default=None)


@dataclass
class _Heard:
    """What the application answered, as it was sent on."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    is_secret: bool = False

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = Headers(raw=message["headers"])
            self.headers = {name: headers[name] for name in KEPT_HEADERS if name in headers}
            self.is_secret = headers.get("cache-control") == "no-store"
        elif len(self.body) <= MOST_BYTES:
            self.body += message.get("body", b"")
            self.ended = not message.get("more_body", False)

    def reply(self) -> GivenReply | None:
        """None where nothing was done, or it is too long to be kept."""
        if not (200 <= self.status < 300 and self.ended and len(self.body) <= MOST_BYTES):
            return None
        if self.is_secret:
            problem = Problem(409, "Shown once", "This was done, and its answer held a secret, which is kept nowhere.")
            return GivenReply(status=409, headers={"content-type": MEDIA_TYPE}, body=problem.content().decode())
        return GivenReply(status=self.status, headers=self.headers, body=self.body.decode())


@dataclass(frozen=True)
class Repeats:
    """``real``: the wall clock."""

    store: Access
    real: Callable[[], datetime] = wall_clock

    async def answer(self, app: ASGIApp, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """What ``app`` answers, or answered before to the same request."""
        given = Headers(scope=scope).get(HEADER)
        if given is None or scope["method"] not in WRITES:
            await app(scope, receive, send)
            return
        match = _KEY.fullmatch(given)
        if match is None:
            detail = f"{HEADER} is 1 to 255 visible characters without quotes or backslashes: a UUID, for example."
            await Problem(400, "Invalid idempotency key", detail).response()(scope, receive, send)
            return
        key, body = match[1], await _body(receive)
        try:
            asked = await self.store.begin_request(caller.id, key, _fingerprint(scope, body), self.real())
        except StoreUnavailable:
            await store_unavailable()(scope, receive, send)
            return
        if asked.fresh:
            await self._carry_out(app, caller, key, scope, _again(body, receive), send)
        else:
            await _repeated(asked.reply, differs=asked.differs)(scope, receive, send)

    async def _carry_out(
        self, app: ASGIApp, caller: Caller, key: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """The answer is kept before its end is sent: whoever has seen it will see it again."""
        heard = _Heard()
        token = REQUEST.set(f"{caller.id}:{key}")

        async def hear(message: Message) -> None:
            heard.take(message)
            if heard.ended:
                await self._end(caller, key, heard.reply())
            await send(message)

        try:
            await app(scope, receive, hear)
        finally:
            REQUEST.reset(token)
            if not heard.ended:
                await self._end(caller, key, None)

    async def _end(self, caller: Caller, key: str, reply: GivenReply | None) -> None:
        try:
            await self.store.end_request(caller.id, key, reply)
        except StoreUnavailable:
            return  # it counts as under way for a minute, and is then carried out again, which changes nothing


async def _body(receive: Receive) -> bytes:
    """All of it; `BodyLimit` has seen to its length."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, for whoever reads it next; then what the connection tells."""
    told = False

    async def give() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def _fingerprint(scope: Scope, body: bytes) -> str:
    target = f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n"
    return hashlib.sha256(target + body).hexdigest()


def _repeated(reply: GivenReply | None, *, differs: bool) -> Response:
    if differs:
        detail = f"This {HEADER} came with another request before. Use a new one for each request."
        return Problem(422, "Idempotency key used before", detail).response()
    if reply is None:
        detail = f"The request with this {HEADER} is being carried out. Ask again."
        return Problem(409, "Request under way", detail).response({"Retry-After": "1"})
    return Response(reply.body, reply.status, {**reply.headers, "Idempotency-Replayed": "true"})
