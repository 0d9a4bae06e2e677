"""The inbox as one running thing: mail in, pages out, in one process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn

from perennia.inbox.mailbox import Mailbox
from perennia.inbox.receiving import receive
from perennia.inbox.web import InboxPages

LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class InboxAddresses:
    """Where a running inbox is: its page, and the URL to send mail to."""

    url: str
    smtp_url: str


@asynccontextmanager
async def running_inbox(
    http: str, smtp: str, folder: Path, *, delay: timedelta = timedelta(0)
) -> AsyncGenerator[InboxAddresses]:
    """An inbox that listens while the block runs.

    ``http`` and ``smtp`` are ``host:port``, port 0 for any that is free. What ``folder`` holds from before is shown. ``delay``:
    how long each message's sender waits for the answer after the message is stored. Raises `InboxUnavailable`, OSError.
    """
    async with _serving(http, smtp, folder, delay) as (addresses, _):
        yield addresses


async def run_inbox(
    http: str, smtp: str, folder: Path, ready: Callable[[str], None], *, delay: timedelta = timedelta(0)
) -> None:
    """Runs an inbox until SIGINT or SIGTERM. ``ready`` is told the page's address when both sides listen."""
    async with _serving(http, smtp, folder, delay) as (addresses, served):
        ready(addresses.url)
        await served


@asynccontextmanager
async def _serving(
    http: str, smtp: str, folder: Path, delay: timedelta
) -> AsyncGenerator[tuple[InboxAddresses, asyncio.Task[None]]]:
    mailbox = Mailbox(folder)
    try:
        async with _mail(mailbox, smtp, delay) as smtp_port, _pages(mailbox, http) as (http_port, served):
            http_host, smtp_host = http.rpartition(":")[0], smtp.rpartition(":")[0]
            yield InboxAddresses(f"http://{http_host}:{http_port}", f"smtp://{smtp_host}:{smtp_port}"), served
    finally:
        mailbox.close()


@asynccontextmanager
async def _mail(mailbox: Mailbox, address: str, delay: timedelta) -> AsyncGenerator[int]:
    host, _, port = address.rpartition(":")
    server = await receive(mailbox, host, int(port), delay)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def _pages(mailbox: Mailbox, address: str) -> AsyncGenerator[tuple[int, asyncio.Task[None]]]:
    host, _, port = address.rpartition(":")
    # It listens from here on: whoever comes before uvicorn has started waits a moment.
    listening = socket.create_server((host, int(port)))
    hosts: list[str] = list(LOOPBACK) if host in LOOPBACK else ["*"]
    application = InboxPages(mailbox).application(hosts)
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="warning", access_log=False))
    served = asyncio.create_task(server.serve([listening]), name="inbox pages")
    try:
        yield listening.getsockname()[1], served
    finally:
        server.should_exit = True
        await served
