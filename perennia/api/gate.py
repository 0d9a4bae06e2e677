"""The gate before the team's API: whose key it is, how often it may ask, and whether a request came before.

It stands before routing, so that a stranger learns nothing, also not which paths there are. What a key may be used for is
said where each route stands (`perennia.api.needs`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perennia.access.callers import CALLER, Caller
from perennia.access.limits import Permit, RateLimits
from perennia.access.ring import KeyRing, wall_clock
from perennia.api.problems import Problem, store_unavailable
from perennia.api.repeats import Repeats
from perennia.store.port import StoreUnavailable

PREFIX = "/api/v1/"
DESCRIPTION = "/api/v1/openapi.json"


@dataclass(frozen=True)
class Gate:
    """``real``: the wall clock."""

    app: ASGIApp
    ring: KeyRing
    limits: RateLimits
    repeats: Repeats
    real: Callable[[], datetime] = wall_clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX) or scope["path"] == DESCRIPTION:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            caller = await self._caller(headers)
        except StoreUnavailable:
            await store_unavailable()(scope, receive, send)
            return
        if caller is None:
            await _unknown_key()(scope, receive, send)
            return
        permit = self.limits.take(caller)
        if permit.retry_after:
            await _too_many(caller, permit)(scope, receive, send)
            return
        token = CALLER.set(caller)
        try:
            await self.repeats.answer(self.app, caller, scope, receive, _telling(send, permit))
        finally:
            CALLER.reset(token)

    async def _caller(self, headers: Headers) -> Caller | None:
        kind, _, secret = headers.get("authorization", "").partition(" ")
        return await self.ring.caller(secret.strip()) if kind.lower() == "bearer" else None


def _unknown_key() -> ASGIApp:
    detail = "Send the admin key or an API key as `Authorization: Bearer KEY`; this is none, or expired, or revoked."
    return Problem(401, "Not authorized", detail).response({"WWW-Authenticate": "Bearer"})


def _too_many(caller: Caller, permit: Permit) -> ASGIApp:
    detail = f"The key may ask {caller.rate} times a minute. Ask again in {permit.retry_after} s."
    return Problem(429, "Too many requests", detail).response(
        {**permit.headers, "Retry-After": str(permit.retry_after)}
    )


def _telling(send: Send, permit: Permit) -> Send:
    """``send``, with the headers that say how often the key may still ask."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(permit.headers)
        await send(message)

    return tell if permit.headers else send
