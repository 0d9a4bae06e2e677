"""A few SMTP connections, kept open between messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiosmtplib

IDLE_SECONDS = (
    20.0  # Amazon SES and some Postfix set-ups close idle connections after 10 to 300 s; stale ones are survived
)
MESSAGES_PER_CONNECTION = 100  # a usual limit of Exim (smtp_accept_max_per_connection) and Exchange
QUIT_SECONDS = 2.0


@dataclass
class Connection:
    """``reused``: it carried a message before, so the server may have closed it since."""

    client: aiosmtplib.SMTP
    messages: int = 0
    idle_since: float = field(default_factory=time.monotonic)

    @property
    def reused(self) -> bool:
        return self.messages > 0

    @property
    def is_usable(self) -> bool:
        return (
            self.client.is_connected
            and self.messages < MESSAGES_PER_CONNECTION
            and time.monotonic() - self.idle_since < IDLE_SECONDS
        )


class ConnectionPool:
    """At most ``size`` connections at once, each used by one message at a time; the freshest is reused first."""

    def __init__(self, connect: Callable[[], Awaitable[aiosmtplib.SMTP]], size: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def connection(self, *, fresh: bool = False) -> AsyncGenerator[Connection]:
        """One to use alone. It is kept afterwards only if nothing broke it. ``fresh``: not one that was used before."""
        async with self._places:
            connection = None if fresh else await self._idle_one()
            connection = connection or Connection(await self._connect())
            try:
                yield connection
            except asyncio.CancelledError:
                # In the middle of a conversation: its next reply would be taken for another message's.
                connection.client.close()
                raise
            finally:
                connection.messages += 1
                connection.idle_since = time.monotonic()
                if connection.is_usable:
                    self._idle.append(connection)
                else:
                    await _quit(connection)

    async def close(self) -> None:
        connections, self._idle = self._idle, []
        await asyncio.gather(*(_quit(connection) for connection in connections))

    async def _idle_one(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            await _quit(connection)
        return None


async def _quit(connection: Connection) -> None:
    if not connection.client.is_connected:
        return
    try:
        await connection.client.quit(timeout=QUIT_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        connection.client.close()  # nothing was pending: a rude end costs nothing
