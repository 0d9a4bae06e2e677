"""`perennia mailbox`: hears what comes back as mail, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

from perennia.ingest.mailbox import Hearing, Listening, listening_mailbox
from perennia.opening import opened_store
from perennia.providers.mail_reports import MailReports
from perennia.settings import Settings, SettingsError
from perennia.wiring import build_clock, build_return_paths, connect_temporal, missing, running_dispatcher


async def listen(settings: Settings, where: Listening, tell: Callable[[str], None]) -> None:
    """Listens until SIGINT or SIGTERM. ``tell`` gets the address once it does. Temporal may be away meanwhile.

    Raises `SettingsError` where no bounce address is set, or the address cannot be listened on.
    """
    paths = build_return_paths(settings)
    if paths is None:
        raise missing("bounce_address", "set it to where undeliverable mail comes back to; docs/providers.md shows how")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    client = await connect_temporal(lazy=True)
    async with (
        opened_store(settings) as store,
        running_dispatcher(settings, store, client, sweeping=False) as dispatcher,
    ):
        hearing = Hearing(MailReports(paths), store, dispatcher, build_clock(settings), each_recipient=where.lmtp)
        try:
            async with listening_mailbox(hearing, where) as port:
                tell(f"{'lmtp' if where.lmtp else 'smtp'}://{where.address.rpartition(':')[0]}:{port}")
                await stopped.wait()
        except OSError as error:
            raise SettingsError(
                "--listen", f"cannot listen on {where.address}: {error.strerror}", "choose another"
            ) from error


def tls_of(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What STARTTLS is answered with. Raises `SettingsError`."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError("--cert", f"no certificate with its key: {error}", "give both files as PEM") from error
    return context
