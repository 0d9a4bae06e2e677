"""Real SMTP conversations with a server that does what a test tells it to, in every TLS mode."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal, TypeAlias

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Security: TypeAlias = Literal["none", "starttls", "tls"]
Moment: TypeAlias = Literal["mail", "rcpt", "data"]

HANG = "hang"
DROP = "drop"


@dataclass(frozen=True)
class Scene:
    """What happens to one message: at one moment of its conversation a reply, `HANG` or `DROP`. ``data``: after all of it."""

    at: Moment
    reply: str


@dataclass(frozen=True)
class Delivery:
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    source: bytes


@dataclass
class Postbox:
    """aiosmtpd's handler. ``scenes``: what happens to the coming messages, in order; then all are accepted."""

    scenes: deque[Scene] = field(default_factory=deque[Scene])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    transports: list[asyncio.Transport] = field(default_factory=list[asyncio.Transport])
    connections: int = 0
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._played("mail", server) or "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = await self._played("rcpt", server)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        reply = await self._played("data", server)
        if reply is not None:
            return reply
        source = envelope.content
        assert isinstance(source, bytes)
        message = message_from_bytes(source, policy=policy.default)
        recipients = tuple(str(recipient) for recipient in envelope.rcpt_tos)
        self.deliveries.append(Delivery(envelope.mail_from or "", recipients, message, source))
        return f"250 2.0.0 Ok: queued as 4F2B{len(self.deliveries):04d}"

    async def _played(self, moment: Moment, server: SMTP) -> str | None:
        if not self.scenes or self.scenes[0].at != moment:
            return None
        scene = self.scenes.popleft()
        if scene.reply in {HANG, DROP}:
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            if scene.reply == DROP:
                transport.abort()
            self.hanging.set()
            await asyncio.sleep(3600)  # ends with the connection
        return scene.reply


@dataclass(frozen=True)
class Certificates:
    """``ca``: the authority's file. ``server``: a context for 127.0.0.1, signed by it."""

    ca: Path
    server: ssl.SSLContext


@dataclass(frozen=True)
class RunningSmtp:
    port: int
    postbox: Postbox


@asynccontextmanager
async def smtp_server(
    *,
    security: Security = "none",
    certificates: Certificates | None = None,
    credentials: tuple[str, str] | None = None,
    utf8: bool = True,
    limit_bytes: int = 1_000_000,
) -> AsyncGenerator[RunningSmtp]:
    """An SMTP server on 127.0.0.1 while the block runs. ``credentials``: user and password that it asks for."""
    postbox = Postbox()
    context = certificates.server if certificates and security != "none" else None

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
        given = (login.login.decode(), login.password.decode())
        return AuthResult(success=given == credentials, handled=False)

    def protocol() -> SMTP:
        postbox.connections += 1
        return _Tracked(
            postbox,
            hostname="smtp.test",
            enable_SMTPUTF8=utf8,
            data_size_limit=limit_bytes,
            authenticator=check if credentials else None,
            auth_require_tls=credentials is None,
            tls_context=context if security == "starttls" else None,
            loop=asyncio.get_running_loop(),
        )

    listening = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None
    )
    try:
        yield RunningSmtp(listening.sockets[0].getsockname()[1], postbox)
    finally:
        listening.close()
        for transport in postbox.transports:
            transport.abort()
        await asyncio.sleep(0.01)  # lets the aborted connections' callbacks run before the loop closes


class _Tracked(SMTP):
    """Remembers its connections, so that a test can close them from the server's side."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        postbox = self.event_handler
        assert isinstance(postbox, Postbox)
        postbox.transports.append(transport)
        super().connection_made(transport)


@asynccontextmanager
async def speaking_server(*lines: bytes) -> AsyncGenerator[int]:
    """A server that says these lines one after the other, whatever it hears, and closes. Yields its port."""

    writers: list[asyncio.StreamWriter] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for number, line in enumerate(lines):
            if number:
                await reader.readline()
            writer.write(line)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


def make_certificates(folder: Path) -> Certificates:
    """An authority of the test's own and a server certificate that it signed."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    authority = (
        _certificate(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _certificate(x509.Name([]), authority_name, server_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    ca, chain, key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
    ca.write_bytes(authority.public_bytes(pem))
    chain.write_bytes(server.public_bytes(pem))
    key.write_bytes(server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    return Certificates(ca, context)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
