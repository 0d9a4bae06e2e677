"""What comes back as mail, taken over SMTP or LMTP from your mail server into the store.

A mail is answered 250 when all that it tells is stored for good, and 451 where that cannot be done now: mail servers give
what was not answered again, for days, and what was heard before changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from perennia.clock import Clock
from perennia.ingest.bells import Bells
from perennia.ingest.hearing import hear
from perennia.providers.mail_reports import MailReports
from perennia.store.port import Store, StoreUnavailable

log = logging.getLogger(__name__)

PROVIDER: Final = "mail"  # as reports call who told them
MAX_BYTES: Final = 20 * 1024 * 1024  # a bounce returns the whole message; large ones come with attachments of people
MAX_RECIPIENTS: Final = 50
MAX_LINE_BYTES: Final = 64 * 1024  # RFC 5321 allows 1000; bounces of Exchange return messages whose lines are longer
DRAIN_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Listening:
    """``address``: host:port, port 0 for any that is free. ``tls``: what STARTTLS is answered with; None: not at all."""

    address: str
    lmtp: bool = False
    tls: ssl.SSLContext | None = None


@dataclass
class Hearing:
    """What aiosmtpd calls for each mail."""

    reports: MailReports
    store: Store
    bells: Bells
    clock: Clock
    each_recipient: bool = False  # LMTP answers once for each (RFC 2033, 4.2)
    under_way: set[asyncio.Task[object]] = field(default_factory=set[asyncio.Task[object]])

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not self.reports.paths.takes(address):
            return "550 5.1.1 no such mailbox here"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        task = asyncio.current_task()
        if task is None:  # pragma: no cover - a coroutine of asyncio's always has one
            return "451 4.3.0 send again"
        self.under_way.add(task)
        try:
            answer = await self._heard(envelope)
        finally:
            self.under_way.discard(task)
        return "\r\n".join([answer] * (len(envelope.rcpt_tos) if self.each_recipient else 1))

    async def handle_exception(self, error: Exception) -> str:
        """What nobody has foreseen is a bug, and no reason to lose mail: aiosmtpd would answer 500."""
        log.error("a mail could not be heard; it is asked for again", exc_info=error)
        return "451 4.3.0 send again"

    async def _heard(self, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = "" if envelope.mail_from in {None, "<>"} else str(envelope.mail_from)
        recipients = [str(each) for each in envelope.rcpt_tos]
        reports = await asyncio.to_thread(self.reports.read, content, sender, recipients)
        try:
            await hear(self.store, PROVIDER, reports, self.clock.now(), unsigned=True)
        except StoreUnavailable as error:
            log.warning("a mail was not taken, the store is away: %s", error)
            return "451 4.3.0 send again"
        if reports:
            self.bells.nudge([])  # where it concerns somebody, the store has set their bell
        return f"250 2.0.0 Ok: {len(reports)} heard"


@asynccontextmanager
async def listening_mailbox(hearing: Hearing, where: Listening) -> AsyncGenerator[int]:
    """The port it listens on while the block runs. At its end mail under way is heard to its end, for a few seconds.

    Raises OSError where the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    form = _Lmtp if where.lmtp else _Smtp

    def conversation() -> SMTP:
        return form(
            hearing,
            hostname="mailbox.perennia",
            ident="Perennia mailbox",
            enable_SMTPUTF8=True,
            data_size_limit=MAX_BYTES,
            tls_context=where.tls,
            loop=loop,
        )

    host, _, port = where.address.rpartition(":")
    server = await loop.create_server(conversation, host.strip("[]"), int(port))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if hearing.under_way:
            await asyncio.wait(set(hearing.under_way), timeout=DRAIN_SECONDS)


class _Smtp(SMTP):
    line_length_limit = MAX_LINE_BYTES


class _Lmtp(LMTP):
    line_length_limit = MAX_LINE_BYTES
