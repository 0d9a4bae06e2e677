"""Somebody else's HTTP server, real, on a free port of loopback: keeps what it was sent, and answers as it is told."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import uvicorn
from fastapi import FastAPI, Response
from fastapi import Request as HttpRequest

from perennia.providers.guarded_http import Allowed, Bounds, GuardedHttp
from tests.support.serving import served

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Receiver:
    """``answers``: what it says to each next request; after that 200 and ``{}``. ``seconds``: how long it thinks first."""

    url: str = ""
    answers: list[Response] = field(default_factory=list[Response])
    received: list[Received] = field(default_factory=list[Received])
    seconds: float = 0.0

    def app(self) -> FastAPI:
        app = FastAPI()

        async def take(request: HttpRequest) -> Response:
            content = await request.body()
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            self.received.append(Received(request.method, path, dict(request.headers), content))
            await asyncio.sleep(self.seconds)
            return self.answers.pop(0) if self.answers else Response(b"{}", media_type="application/json")

        app.add_api_route("/{path:path}", take, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        return app


@asynccontextmanager
async def receiving() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    async with served(receiver.app()) as url:
        receiver.url = url
        yield receiver


@asynccontextmanager
async def receiving_securely(tls: ssl.SSLContext) -> AsyncGenerator[Receiver]:
    """The same over TLS."""
    receiver = Receiver()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(receiver.app(), log_level="error", access_log=False, lifespan="off")
        config.load()
        config.ssl = tls
        config.loaded = True
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        receiver.url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        try:
            yield receiver
        finally:
            server.should_exit = True
            await serving


def local_http(bounds: Bounds | None = None, names: Mapping[str, list[str]] | None = None) -> GuardedHttp:
    """May reach loopback over plain http. ``names``: what they resolve to, in place of the system's own answer."""

    async def resolve(host: str, _port: int) -> list[str]:
        return (names or {}).get(host, [host])

    return GuardedHttp(
        Allowed(LOOPBACK, http=True), resolve=resolve, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), bounds=bounds
    )
