"""Providers with an HTTP API: each passes the conformance suite against a stateful fake of its API, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

import pytest

from deploy.simulator import mailgun, postmark, resend, sendgrid, ses
from deploy.simulator.exchange import Api, Fault
from deploy.simulator.server import Simulated, simulated
from perennia.providers.email import EmailProvider, email_provider
from perennia.providers.failures import Misconfigured, Unavailable
from tests.providers.email_conformance import LETTER, EmailConformance, Trouble

LIMIT_BYTES = 100_000


@dataclass(frozen=True)
class Kind:
    """How one provider is met: its fake, and the URL of its adapter for a key."""

    api: Callable[[], Api]
    url: Callable[[str], str]
    punctuation: bool = True


KINDS = {
    "resend": Kind(lambda: resend.Resend(limit_bytes=LIMIT_BYTES), lambda key: f"resend:{key}", punctuation=False),
    "postmark": Kind(lambda: postmark.Postmark(limit_bytes=LIMIT_BYTES), lambda key: f"postmark:{key}"),
    "ses": Kind(
        lambda: ses.Ses(limit_bytes=LIMIT_BYTES),
        lambda key: f"ses:{key if ':' in key else f'{key}:secret'}@{ses.REGION}",
    ),
    "sendgrid": Kind(lambda: sendgrid.SendGrid(limit_bytes=LIMIT_BYTES), lambda key: f"sendgrid:{key}"),
    "mailgun": Kind(lambda: mailgun.Mailgun(limit_bytes=LIMIT_BYTES), lambda key: f"mailgun:{key}@{mailgun.DOMAIN}"),
}


@dataclass
class WebRig:
    server: Simulated[Api]
    provider: EmailProvider
    impatient: EmailProvider
    stranger: EmailProvider
    unreachable: EmailProvider
    punctuation: bool
    limit_bytes: int = LIMIT_BYTES
    sees_what_was_read: bool = False

    def expect(self, *troubles: Trouble) -> None:
        self.server.mischief.expect(*(Fault[trouble.name] for trouble in troubles))

    @property
    def arrived(self) -> Sequence[EmailMessage]:
        return [letter.message for letter in self.server.api.letters]

    @property
    def recipients(self) -> Sequence[str]:
        return [recipient for letter in self.server.api.letters for recipient in letter.recipients]


@asynccontextmanager
async def rigged(kind: Kind) -> AsyncGenerator[WebRig]:
    async with simulated(kind.api()) as server:
        key = server.api.key

        def at(key: str, api: str, timeout: float = 10) -> EmailProvider:
            return email_provider(f"{kind.url(key)}?api={api}&timeout={timeout}")

        rig = WebRig(
            server,
            provider=at(key, server.url),
            impatient=at(key, server.url, timeout=0.3),
            stranger=at("wrong", server.url),
            unreachable=at(key, "http://127.0.0.1:1"),
            punctuation=kind.punctuation,
        )
        yield rig
        for provider in (rig.provider, rig.impatient, rig.stranger, rig.unreachable):
            await provider.close()


@pytest.fixture(params=sorted(KINDS))
async def rig(request: pytest.FixtureRequest) -> AsyncGenerator[WebRig]:
    async with rigged(KINDS[request.param]) as rig:
        yield rig


class TestWebProviders(EmailConformance):
    async def test_the_provider_is_told_a_reference_that_it_tells_back(self, rig: WebRig) -> None:
        await rig.provider.send(LETTER)
        assert rig.server.api.letters[0].reference == "0f3a"

    async def test_the_providers_own_name_of_the_message_is_kept(self, rig: WebRig) -> None:
        sent = await rig.provider.send(LETTER)
        assert sent.provider_id == rig.server.api.letters[0].id

    async def test_a_throttled_message_is_tried_again_when_the_provider_said(self, rig: WebRig) -> None:
        rig.expect(Trouble.THROTTLED)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.retry_after == timedelta(seconds=7)

    async def test_a_gateway_that_heard_nothing_leaves_open_whether_it_was_accepted(self, rig: WebRig) -> None:
        rig.server.mischief.expect(Fault.LOST_BEHIND_A_GATEWAY)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.maybe_sent

    async def test_a_success_that_cannot_be_read_leaves_open_whether_it_was_accepted(self, rig: WebRig) -> None:
        rig.server.mischief.expect(Fault.GARBLED)
        with pytest.raises(Unavailable) as failure:
            await rig.provider.send(LETTER)
        assert failure.value.maybe_sent

    async def test_a_connection_that_the_server_closed_meanwhile_costs_nothing(self, rig: WebRig) -> None:
        await rig.provider.send(LETTER)
        await rig.server.close_connections()
        await rig.provider.examine()

    async def test_a_failure_that_is_printed_holds_no_key(self, rig: WebRig) -> None:
        with pytest.raises(Misconfigured) as failure:
            await rig.stranger.send(LETTER)
        assert "wrong" not in str(failure.value)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("resend:", "resend:KEY"),
        ("resend:re_hunter2@example.com", "resend:KEY"),
        ("resend:re_hunter2?timeout=soon", "numbers"),
        ("resend:re_hunter2?timeout=600", "at most 90"),
        ("resend:re_hunter2?speed=high", "no option 'speed'; there are api, connections, rate, timeout, warm_up"),
        ("resend:re_hunter2?warm_up=soon", "a day like 2026-12-01"),
        ("smtp://hunter2:hunter2@x?warm_up_to=9", "needs the day on which the warm-up begins"),
        ("resend:re_hunter2?api=localhost", "web address"),
        ("mailgun:hunter2", "mailgun:KEY@DOMAIN"),
        ("mailgun:hunter2@mg.example.com?region=mars", "us, eu"),
        ("ses:hunter2@eu-west-1", "ses:KEY_ID:SECRET@REGION"),
    ],
)
def test_a_wrong_url_is_a_misconfiguration_that_says_why_and_not_the_key(bad: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as failure:
        email_provider(bad)
    assert "hunter2" not in str(failure.value)
