"""Email over SMTP: ``smtp://``, ``smtp+starttls://`` and ``smtps://``.

``smtps://USER:PASSWORD@HOST:PORT?timeout=20&connections=4&ca=/path/ca.pem&helo=mail.example.com``

- ``smtp`` is plain text and stays so; ``smtp+starttls`` refuses a server that does not offer STARTTLS; both TLS modes
  check the certificate against the system's authorities, or those in ``ca``.
- User and password are percent-decoded. Ports default to 25, 587 and 465.
- ``dkim=SELECTOR@DOMAIN:FILE``: signs what comes from the domain with that private key (`perennia.providers.dkim`); given
  several times, each key that serves the domain signs.
- ``rate``: messages a second, by all workers together; ``warm_up`` and its kind: messages a day (`perennia.providers.warm_up`).
- ``timeout``: seconds for each reply (20); after the message's last byte three times that, at most a minute. RFC 5321
  (4.5.3.2.6) would wait ten minutes there, but whoever asks gives one attempt two minutes in all.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NoReturn, TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPResponse

from perennia.providers import smtp_replies
from perennia.providers.dkim import DkimKey, keys_for, signed
from perennia.providers.email import Capabilities, OutgoingEmail, SentEmail
from perennia.providers.failures import Misconfigured, Refused, Unavailable
from perennia.providers.mime import compose
from perennia.providers.smtp_pool import Connection, ConnectionPool
from perennia.providers.warm_up import OPTIONS, WarmUp, warm_up_of
from perennia.providers.web_urls import rate_of

Security: TypeAlias = Literal["none", "starttls", "tls"]

SCHEMES: dict[str, Security] = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}
_PORTS: dict[Security, int] = {"none": 25, "starttls": 587, "tls": 465}
_MAX_FINAL_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class SmtpSettings:
    """Where and how to connect. ``tls``: a context of the caller's own, in place of the system's authorities."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20.0
    connections: int = 4
    per_second: float | None = None
    warm_up: WarmUp | None = None
    helo: str | None = None
    ca: str | None = None
    dkim: tuple[DkimKey, ...] = ()
    tls: ssl.SSLContext | None = None

    @classmethod
    def from_url(cls, url: str) -> SmtpSettings:
        """Raises `Misconfigured`, never with the URL in its message: it holds a password."""
        parts = urlsplit(url)
        security = SCHEMES.get(parts.scheme)
        if security is None or not parts.hostname:
            raise Misconfigured("an SMTP URL is smtp://HOST, smtp+starttls://HOST or smtps://HOST")
        timeout, connections, rate, helo, ca = _options(parts)
        return cls(
            host=parts.hostname,
            port=_port(parts) or _PORTS[security],
            security=security,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            timeout_seconds=timeout,
            connections=connections,
            per_second=rate,
            warm_up=warm_up_of(dict(parse_qsl(parts.query)), "SMTP"),
            helo=helo,
            ca=ca,
            dkim=tuple(DkimKey.read(value) for name, value in parse_qsl(parts.query) if name == "dkim"),
        )


def from_url(url: str) -> SmtpProvider:
    """The adapter's entry point."""
    return SmtpProvider(SmtpSettings.from_url(url))


class SmtpProvider:
    """Sends over a few connections that are kept open between messages. Passes the email conformance suite."""

    name = "smtp"

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._pool = ConnectionPool(self._connect, size=settings.connections)
        # SMTP has no idempotency key: a Message-ID that was seen before is delivered again.
        self.capabilities = Capabilities(
            idempotent=False,
            at_once=settings.connections,
            per_second=settings.per_second,
            warm_up=settings.warm_up,
        )

    async def send(self, message: OutgoingEmail) -> SentEmail:
        async with self._pool.connection() as connection:
            try:
                return await self._hand_over(connection, message)
            except _Stale:
                pass
        # The server closed a kept connection while it was idle, before it saw the message: a new one decides.
        async with self._pool.connection(fresh=True) as connection:
            return await self._hand_over(connection, message)

    async def examine(self) -> str:
        async with self._pool.connection(fresh=True) as connection:
            with _before_acceptance():
                await connection.client.noop()
        secured = {"none": "without TLS", "starttls": "with STARTTLS", "tls": "over TLS"}[self._settings.security]
        return f"{self._settings.host}:{self._settings.port} answers {secured}"

    async def close(self) -> None:
        await self._pool.close()

    async def _hand_over(self, connection: Connection, message: OutgoingEmail) -> SentEmail:
        client = connection.client
        content = compose(message)
        keys = keys_for(message.sender.domain, self._settings.dkim)
        if keys:
            content = signed(content, keys, message.date)
        options = _mail_options(client, message, content)
        sender = (message.return_path or message.sender).address.encode()
        recipient = message.recipient.address.encode()
        reply = await self._first_command(connection, b"FROM:<" + sender + b">", options)
        if reply.code != 250:
            await self._refused(connection, smtp_replies.failure_of_sender(reply))
        with _before_acceptance():
            reply = await client.execute_command(b"RCPT", b"TO:<" + recipient + b">")
        if reply.code not in {250, 251}:
            await self._refused(connection, smtp_replies.failure_of_recipient(reply))
        with _before_acceptance():
            reply = await client.execute_command(b"DATA")
        if reply.code != 354:
            await self._refused(connection, smtp_replies.failure_of_content(reply))
        reply = await self._transfer(client, content)
        if reply.code != 250:
            raise smtp_replies.failure_of_content(reply)
        return SentEmail(provider_id=smtp_replies.queue_id(reply))

    async def _first_command(self, connection: Connection, path: bytes, options: list[bytes]) -> SMTPResponse:
        try:
            with _before_acceptance():
                reply = await connection.client.execute_command(b"MAIL", path, *options)
        except Unavailable:
            if connection.reused:
                raise _Stale from None
            raise
        if reply.code == 421 and connection.reused:
            raise _Stale
        return reply

    async def _refused(self, connection: Connection, failure: Exception) -> NoReturn:
        """Raises ``failure``; the connection goes on with the next message if the server agrees to start anew."""
        try:
            if connection.client.is_connected:
                await connection.client.rset()
        except aiosmtplib.SMTPException:
            connection.client.close()
        raise failure

    async def _transfer(self, client: aiosmtplib.SMTP, content: bytes) -> SMTPResponse:
        """Content and final dot. From here on a lost connection leaves open whether the message was accepted."""
        protocol = client.protocol
        if protocol is None:
            raise Unavailable("the SMTP server closed the connection before the message")
        timeout = min(self._settings.timeout_seconds * 3, _MAX_FINAL_TIMEOUT_SECONDS)
        try:
            protocol.write(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
            return await protocol.read_response(timeout=timeout)
        except aiosmtplib.SMTPTimeoutError as error:
            client.close()
            raise Unavailable("the SMTP server did not answer after the message", maybe_sent=True) from error
        except (aiosmtplib.SMTPServerDisconnected, OSError) as error:
            client.close()
            raise Unavailable("the SMTP connection broke during the message", maybe_sent=True) from error

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.timeout_seconds,
            use_tls=settings.security == "tls",
            start_tls=False,
            tls_context=await self._tls_context(),
            local_hostname=settings.helo or _own_name(),
        )
        try:
            with _before_acceptance():
                await client.connect()
                await self._greet(client)
        except BaseException:
            client.close()
            raise
        return client

    async def _greet(self, client: aiosmtplib.SMTP) -> None:
        settings = self._settings
        await _hello(client)
        if settings.security == "starttls":
            if not client.supports_extension("starttls"):
                raise Misconfigured("the SMTP server does not offer STARTTLS; use smtps:// or another port")
            await client.starttls()
            await _hello(client)
        if settings.user is not None:
            if not client.supported_auth_methods:
                raise Misconfigured("the SMTP server offers no login that we know (CRAM-MD5, PLAIN, LOGIN) here")
            await client.login(settings.user, settings.password or "")

    async def _tls_context(self) -> ssl.SSLContext | None:
        settings = self._settings
        if settings.security == "none":
            return None
        if settings.tls is not None:
            return settings.tls
        try:
            return await asyncio.to_thread(ssl.create_default_context, cafile=settings.ca)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured("the file of certificate authorities (ca=) cannot be read") from error


class _Stale(Exception):
    """A kept connection turned out to be dead before this message had any part in it."""


async def _hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code == 421 or not client.is_connected:
            raise
        await client.helo()


def _mail_options(client: aiosmtplib.SMTP, message: OutgoingEmail, content: bytes) -> list[bytes]:
    options: list[bytes] = []
    if client.supports_extension("size"):
        limit = client.esmtp_extensions["size"].strip()
        if limit.isdigit() and 0 < int(limit) < len(content):
            raise Refused(f"the message has {len(content)} bytes, the SMTP server takes {limit}")
        options.append(b"SIZE=%d" % len(content))
    if not (message.sender.is_ascii and message.recipient.is_ascii and _ascii_reply_to(message)):
        if not client.supports_extension("smtputf8"):
            raise Refused(
                "the address has a part that is not ASCII, and the SMTP server does not offer SMTPUTF8",
                reason="invalid_address",
            )
        options.append(b"SMTPUTF8")
        if client.supports_extension("8bitmime"):
            options.append(b"BODY=8BITMIME")
    return options


def _ascii_reply_to(message: OutgoingEmail) -> bool:
    return message.reply_to is None or message.reply_to.is_ascii


@contextmanager
def _before_acceptance() -> Generator[None]:
    """Failures of a conversation that has not come to the message yet: certainly not accepted."""
    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as error:
        raise smtp_replies.failure_of_login(SMTPResponse(error.code, error.message)) from error
    except aiosmtplib.SMTPResponseException as error:
        raise smtp_replies.failure_of_server(SMTPResponse(error.code, error.message)) from error
    except aiosmtplib.SMTPTimeoutError as error:
        raise Unavailable("the SMTP server did not answer in time") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Misconfigured(f"the SMTP server's certificate is not trusted: {cause.verify_message}") from error
        if isinstance(cause, ssl.SSLError):
            raise Misconfigured("the SMTP server does not speak TLS on this port; use smtp+starttls://") from error
        raise Unavailable("the SMTP server cannot be reached, or closed the connection") from error


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise Misconfigured("the port of an SMTP URL is a number from 1 to 65535") from error


def _options(parts: SplitResult) -> tuple[float, int, float | None, str | None, str | None]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = ("timeout", "connections", "rate", "ca", "helo", "dkim", *OPTIONS)
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise Misconfigured(f"an SMTP URL has no option {unknown[0]!r}; there are {', '.join(known)}")
    try:
        timeout, connections = float(options.get("timeout", "20")), int(options.get("connections", "4"))
    except ValueError as error:
        raise Misconfigured("timeout and connections of an SMTP URL are numbers") from error
    if timeout <= 0 or connections < 1:
        raise Misconfigured("timeout and connections of an SMTP URL are above zero")
    return timeout, connections, rate_of(options.get("rate"), "SMTP"), options.get("helo"), options.get("ca")


def _own_name() -> str:
    # Not socket.getfqdn(): it asks DNS, which blocks for seconds where there is none.
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"
