from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from perennia.providers.addresses import Mailbox
from perennia.providers.email import EmailProvider, email_provider
from perennia.providers.failures import Misconfigured, Refused, Unavailable
from perennia.providers.smtp import SmtpProvider, SmtpSettings
from tests.providers.email_conformance import LETTER, EmailConformance, Trouble
from tests.support.smtp_server import (
    DROP,
    HANG,
    Certificates,
    RunningSmtp,
    Scene,
    Security,
    make_certificates,
    smtp_server,
    speaking_server,
)

SCHEMES: dict[Security, str] = {"none": "smtp", "starttls": "smtp+starttls", "tls": "smtps"}
USER, PASSWORD = "post@example.com", "p@ss/w:rd %"
LIMIT_BYTES = 100_000

SCENES = {
    Trouble.THROTTLED: Scene("rcpt", "451 4.7.1 Greylisted, try again in 5 minutes"),
    Trouble.OVERLOADED: Scene("mail", "421 4.3.2 Service not available"),
    Trouble.SILENT: Scene("data", HANG),
    Trouble.REFUSES_RECIPIENT: Scene("rcpt", "550 5.7.1 <ben@example.org>: no mail from you"),
    Trouble.UNKNOWN_RECIPIENT: Scene("rcpt", "550 5.1.1 <ben@example.org>: Recipient address rejected: User unknown"),
    Trouble.REFUSES_SENDER: Scene("mail", "553 5.7.1 <hello@example.com>: Sender address rejected"),
    Trouble.REFUSES_MESSAGE: Scene("data", "554 5.7.1 Message looks like spam"),
    Trouble.DROPPED_EARLY: Scene("rcpt", DROP),
    Trouble.DROPPED_LATE: Scene("data", DROP),
}


@dataclass
class SmtpRig:
    server: RunningSmtp
    provider: EmailProvider
    impatient: EmailProvider
    stranger: EmailProvider
    unreachable: EmailProvider
    limit_bytes: int = LIMIT_BYTES
    sees_what_was_read: bool = True
    punctuation: bool = True

    def expect(self, *troubles: Trouble) -> None:
        self.server.postbox.scenes.extend(SCENES[trouble] for trouble in troubles)

    @property
    def arrived(self) -> Sequence[EmailMessage]:
        return [delivery.message for delivery in self.server.postbox.deliveries]

    @property
    def recipients(self) -> Sequence[str]:
        return [recipient for delivery in self.server.postbox.deliveries for recipient in delivery.recipients]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["none", "starttls", "tls"])
def security(request: pytest.FixtureRequest) -> Security:
    return request.param


def url(
    security: Security, port: int, certificates: Certificates, *, password: str = PASSWORD, timeout: float = 10
) -> str:
    login = f"{quote(USER, safe='')}:{quote(password, safe='')}@"
    options = f"timeout={timeout}" if security == "none" else f"timeout={timeout}&ca={quote(str(certificates.ca))}"
    return f"{SCHEMES[security]}://{login}127.0.0.1:{port}?{options}"


@pytest.fixture
async def rig(security: Security, certificates: Certificates) -> AsyncGenerator[SmtpRig]:
    async with smtp_server(
        security=security, certificates=certificates, credentials=(USER, PASSWORD), limit_bytes=LIMIT_BYTES
    ) as server:
        rig = SmtpRig(
            server,
            provider=email_provider(url(security, server.port, certificates)),
            impatient=email_provider(url(security, server.port, certificates, timeout=0.3)),
            stranger=email_provider(url(security, server.port, certificates, password="wrong")),
            unreachable=email_provider(url(security, free_port(), certificates)),
        )
        yield rig
        await rig.provider.close()


@pytest.fixture
async def plain() -> AsyncGenerator[RunningSmtp]:
    async with smtp_server() as server:
        yield server


def free_port() -> int:
    return 1  # tcpmux: nothing listens there, and nobody unprivileged could


def provider_at(port: int, security: Security = "none", **settings: object) -> SmtpProvider:
    usual = SmtpSettings("127.0.0.1", port, security, timeout_seconds=10)
    return SmtpProvider(replace(usual, **settings))


class TestSmtp(EmailConformance):
    pass


async def test_connections_are_kept_for_the_next_message(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port)
    for _ in range(3):
        await provider.send(LETTER)
    await provider.close()
    assert plain.postbox.connections == 1


async def test_a_kept_connection_that_the_server_closed_costs_nothing(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port)
    await provider.send(LETTER)
    for transport in plain.postbox.transports:
        transport.abort()
    await provider.send(LETTER)
    await provider.close()
    assert len(plain.postbox.deliveries) == 2


async def test_a_kept_connection_whose_server_says_goodbye_costs_nothing(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port)
    await provider.send(LETTER)
    plain.postbox.scenes.append(Scene("mail", "421 4.4.2 Idle for too long"))
    await provider.send(LETTER)
    await provider.close()
    assert len(plain.postbox.deliveries) == 2


async def test_no_more_connections_than_the_url_allows(plain: RunningSmtp) -> None:
    provider = email_provider(f"smtp://127.0.0.1:{plain.port}?connections=2")
    assert provider.capabilities.at_once == 2
    await asyncio.gather(*(provider.send(LETTER) for _ in range(10)))
    await provider.close()
    assert plain.postbox.connections == 2


async def test_a_cancelled_message_does_not_leave_its_reply_to_the_next_one(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port, connections=1)
    plain.postbox.scenes.append(Scene("data", HANG))
    sending = asyncio.create_task(provider.send(LETTER))
    await plain.postbox.hanging.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await provider.send(replace(LETTER, recipient=Mailbox("cleo@example.org")))
    await provider.close()
    assert [delivery.recipients for delivery in plain.postbox.deliveries] == [("cleo@example.org",)]


async def test_the_queue_id_is_the_providers_id(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port)
    sent = await provider.send(LETTER)
    await provider.close()
    assert sent.provider_id == "4F2B0001"


async def test_the_date_is_the_messages_own(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port)
    await provider.send(LETTER)
    await provider.close()
    assert plain.postbox.deliveries[0].message["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"


async def test_the_same_message_is_the_same_bytes(plain: RunningSmtp) -> None:
    provider = provider_at(plain.port)
    await provider.send(LETTER)
    await provider.send(LETTER)
    await provider.close()
    first, second = plain.postbox.deliveries
    assert first.source == second.source


async def test_a_local_part_in_any_script_is_refused_without_smtputf8() -> None:
    async with smtp_server(utf8=False) as server:
        provider = provider_at(server.port)
        with pytest.raises(Refused) as failure:
            await provider.send(replace(LETTER, recipient=Mailbox("żółw@example.org")))
        await provider.close()
    assert failure.value.reason == "invalid_address"


async def test_a_certificate_of_a_stranger_is_a_misconfiguration(certificates: Certificates) -> None:
    async with smtp_server(security="tls", certificates=certificates) as server:
        with pytest.raises(Misconfigured, match="not trusted"):
            await provider_at(server.port, "tls").send(LETTER)


async def test_a_certificate_of_a_stranger_is_a_misconfiguration_after_starttls(certificates: Certificates) -> None:
    async with smtp_server(security="starttls", certificates=certificates) as server:
        with pytest.raises(Misconfigured, match="not trusted"):
            await provider_at(server.port, "starttls").send(LETTER)


async def test_a_server_without_starttls_gets_no_message(plain: RunningSmtp) -> None:
    with pytest.raises(Misconfigured, match="does not offer STARTTLS"):
        await provider_at(plain.port, "starttls").send(LETTER)
    assert not plain.postbox.deliveries


async def test_tls_on_a_plain_port_is_a_misconfiguration(plain: RunningSmtp) -> None:
    with pytest.raises((Misconfigured, Unavailable)):
        await provider_at(plain.port, "tls").send(LETTER)
    assert not plain.postbox.deliveries


async def test_a_missing_file_of_authorities_is_a_misconfiguration(plain: RunningSmtp, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ca="):
        await provider_at(plain.port, "tls", ca=str(tmp_path / "none.pem")).send(LETTER)


async def test_a_server_that_offers_no_login_is_a_misconfiguration(plain: RunningSmtp) -> None:
    with pytest.raises(Misconfigured, match="no login"):
        await provider_at(plain.port, user="u", password="p").send(LETTER)


async def test_a_greeting_of_421_is_unavailable() -> None:
    async with speaking_server(b"421 4.3.2 Too many connections\r\n") as port:
        with pytest.raises(Unavailable) as failure:
            await provider_at(port).send(LETTER)
    assert not failure.value.maybe_sent


async def test_a_greeting_of_554_is_a_misconfiguration() -> None:
    async with speaking_server(b"554 5.7.1 No service for your address\r\n") as port:
        with pytest.raises(Misconfigured):
            await provider_at(port).send(LETTER)


async def test_a_server_that_never_greets_is_unavailable() -> None:
    async with speaking_server(b"", b"") as port:
        with pytest.raises(Unavailable) as failure:
            await provider_at(port, timeout_seconds=0.3).send(LETTER)
    assert not failure.value.maybe_sent


async def test_a_refused_sender_is_a_misconfiguration(plain: RunningSmtp) -> None:
    plain.postbox.scenes.append(Scene("mail", "553 5.7.1 <hello@example.com>: Sender address rejected"))
    provider = provider_at(plain.port)
    with pytest.raises(Misconfigured):
        await provider.send(LETTER)
    await provider.close()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("smtp://", "smtp://HOST"),
        ("smtp://host:99999", "port"),
        ("smtp://host?timeout=soon", "numbers"),
        ("smtp://host?timeout=0", "above zero"),
        ("smtp://host?verify=no", "verify"),
        ("carrier-pigeon://loft", "smtp://, smtp\\+starttls://, smtps://"),
    ],
)
def test_a_wrong_url_is_a_misconfiguration_that_says_why(bad: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        email_provider(bad)


def test_no_error_of_a_url_holds_its_password() -> None:
    with pytest.raises(Misconfigured) as failure:
        email_provider("smtp://user:hunter2@host:99999")
    assert "hunter2" not in str(failure.value)


def test_user_and_password_are_percent_decoded() -> None:
    settings = SmtpSettings.from_url("smtps://post%40example.com:p%40ss%2Fw%3Ard@mail.example.com")
    assert (settings.user, settings.password, settings.port) == ("post@example.com", "p@ss/w:rd", 465)


def test_a_password_is_not_shown_where_settings_are_printed() -> None:
    assert "hunter2" not in repr(SmtpSettings.from_url("smtp://user:hunter2@host"))
