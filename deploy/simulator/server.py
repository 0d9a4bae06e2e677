"""HTTP/1.1 with the faults of a network: connections that close early, late, or never answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar
from urllib.parse import unquote

from deploy.simulator.exchange import Fault, Mischief, Reply, Request, Service

_HEAD_BYTES = 64 * 1024


S = TypeVar("S", bound=Service)


@dataclass
class Simulated(Generic[S]):
    """A running API. ``requests``: all that came, in order; ``hanging``: set once a client waits for an answer in vain."""

    api: S
    port: int = 0
    mischief: Mischief = field(default_factory=Mischief)
    requests: list[Request] = field(default_factory=list[Request])
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    connections: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self.connections.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            self.connections.discard(writer)
            writer.close()

    async def close_connections(self) -> None:
        """As servers do with idle ones."""
        for writer in list(self.connections):
            writer.close()
            await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        request = await _read_body(_read_head(head), reader, writer)
        fault = self.mischief.next() if self.api.sends(request) else None
        if fault is Fault.DROPPED_EARLY:
            writer.transport.abort()
            return False
        self.requests.append(request)
        reply = self.api.answer(request, fault)
        if fault is Fault.SILENT:
            self.hanging.set()
            await reader.read(1)  # until the client gives up
            return False
        if fault is Fault.DROPPED_LATE:
            writer.transport.abort()
            return False
        if fault is Fault.LOST_BEHIND_A_GATEWAY:
            reply = Reply(504, "<html>504 Gateway Time-out</html>")
        if fault is Fault.GARBLED:
            reply = Reply(200, "<html>Please sign in to the network</html>")
        writer.write(_written(reply))
        await writer.drain()
        return request.headers.get("connection", "").lower() != "close"


@asynccontextmanager
async def simulated(api: S, port: int = 0) -> AsyncGenerator[Simulated[S]]:
    """The API on a port of this machine while the block runs."""
    running = Simulated(api)
    server = await asyncio.start_server(running.serve, "127.0.0.1", port, limit=_HEAD_BYTES)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()


def _read_head(head: bytes) -> Request:
    line, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ", 2)
    path, _, query = target.partition("?")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines if each)
    }
    return Request(method, unquote(path), query, headers, b"")


async def _read_body(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    if request.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if request.headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    else:
        body = await reader.readexactly(int(request.headers.get("content-length", "0")))
    return Request(request.method, request.path, request.query, request.headers, body)


def _written(reply: Reply) -> bytes:
    content = reply.content
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **reply.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{lines}\r\n".encode() + content
