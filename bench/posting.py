"""Posting to the API over kept-alive connections, with as little work of our own as possible: the machine is shared."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import msgspec

from perennia.core.json_values import JsonObject

CONNECTIONS = 16

_message_numbers = count(1)


class NotAccepted(Exception):
    """The API answered something else than 200."""


class Poster:
    """One connection. Not for use by two tasks at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    async def post(self, items: list[JsonObject]) -> None:
        """Posts one batch; returns when it is answered 200. Raises `NotAccepted`."""
        await self.post_bytes(msgspec.json.encode({"batch": items}))

    async def post_bytes(self, body: bytes) -> None:
        self._writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise NotAccepted(answer.decode(errors="replace"))


@dataclass(frozen=True)
class Door:
    """Where to post, and with which key."""

    url: str
    write_key: str

    @asynccontextmanager
    async def poster(self, path: str = "/v1/batch") -> AsyncGenerator[Poster]:
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        key = base64.b64encode(f"{self.write_key}:".encode()).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Basic {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        try:
            yield Poster(reader, writer, head.encode())
        finally:
            writer.close()


def arrival(who: str, event: str) -> list[JsonObject]:
    """What an SDK sends of someone who was just identified and then did something: one post."""
    return [
        {
            "type": "identify",
            "messageId": f"m-{next(_message_numbers)}",
            "userId": who,
            "traits": {"email": f"{who}@example.com", "first_name": "Ana", "plan": "pro", "seats": 12},
        },
        {
            "type": "track",
            "messageId": f"m-{next(_message_numbers)}",
            "userId": who,
            "event": event,
            "properties": {"source": "website", "campaign": "spring"},
        },
    ]


async def post_all(door: Door, posts: list[list[JsonObject]], at_once: int) -> None:
    """Posts all as fast as the API takes them, over ``at_once`` connections."""
    left = iter(posts)

    async def along() -> None:
        async with door.poster() as poster:
            for items in left:
                await poster.post(items)

    await asyncio.gather(*(along() for _ in range(at_once)))


async def post_steadily(door: Door, posts: list[list[JsonObject]], rate: float, note: Callable[[int], None]) -> None:
    """Posts ``rate`` a second, each at its time whatever the answers take; ``note`` is told when each is due."""
    async with contextlib.AsyncExitStack() as stack:
        free: asyncio.LifoQueue[Poster] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            free.put_nowait(await stack.enter_async_context(door.poster()))

        async def send(number: int) -> None:
            poster = await free.get()
            await poster.post(posts[number])
            free.put_nowait(poster)

        begin = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(len(posts)):
                await asyncio.sleep(begin + number / rate - time.monotonic())
                note(number)
                tasks.create_task(send(number))


def irrelevant_events(customers: list[str], size: int) -> Iterator[bytes]:
    """Bodies of batches of ``size`` events that concern nobody; a single event is a body of its own."""
    numbers = count()
    while True:
        items = [
            _page_view(customers[number % len(customers)]) for number, _ in zip(numbers, range(size), strict=False)
        ]
        yield msgspec.json.encode({"batch": items} if size > 1 else items[0])


def _page_view(who: str) -> JsonObject:
    return {
        "type": "track",
        "messageId": f"v-{next(_message_numbers)}",
        "userId": who,
        "event": "Page Viewed",
        "properties": {"path": "/projects/42/reports", "referrer": "https://app.example.com/projects", "seconds": 12.5},
        "timestamp": "2026-01-05T10:00:00.000Z",
    }
