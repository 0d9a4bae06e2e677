"""The inbox's SMTP side: takes every message for anybody and delivers none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from perennia.inbox.mailbox import Mailbox

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_BYTES = 32 * 1024 * 1024


class InboxUnavailable(Exception):
    """The inbox's mail server is not installed."""


class _Keeping:
    """What aiosmtpd calls for each message. ``delay``: between having stored it and saying so."""

    def __init__(self, mailbox: Mailbox, delay: timedelta) -> None:
        self._mailbox = mailbox
        self._delay = delay

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  # aiosmtpd's
        content = envelope.content or b""
        number = await self._mailbox.keep(
            envelope.mail_from or "",
            [str(recipient) for recipient in envelope.rcpt_tos],
            content if isinstance(content, bytes) else content.encode(),
        )
        await asyncio.sleep(self._delay.total_seconds())
        return f"250 2.0.0 Ok: queued as inbox{number:06d}"


async def receive(mailbox: Mailbox, host: str, port: int, delay: timedelta) -> asyncio.Server:
    """An SMTP server, listening when this returns. Raises `InboxUnavailable`."""
    try:
        from aiosmtpd.smtp import SMTP  # noqa: PLC0415  # an extra: only whoever runs an inbox needs it
    except ImportError as error:
        raise InboxUnavailable(
            "the local inbox needs aiosmtpd; install it with: pip install 'perennia[local]'"
        ) from error
    handler = _Keeping(mailbox, delay)
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(
            handler,
            hostname="inbox.localhost",
            ident="Perennia inbox",
            enable_SMTPUTF8=True,
            data_size_limit=MAX_BYTES,
            loop=loop,
        ),
        host,
        port,
    )
