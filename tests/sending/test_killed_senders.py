"""kill -9 at each state of the ledger: a real process, a real mail server, and what a second attempt makes of it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.simulator.postmark import Postmark
from deploy.simulator.resend import Resend
from deploy.simulator.server import simulated
from perennia.providers.email import email_provider
from tests.sending.conftest import Office
from tests.support.sending_process import AFTER_ACCEPTANCE, AFTER_CLAIM, AFTER_END, BEFORE_CLAIM
from tests.support.smtp_server import RunningSmtp, smtp_server

MARKETING, TRANSACTIONAL = "Signed Up", "Paid"


@dataclass(frozen=True)
class PostOffice:
    """Ana's office, with a server at ``url`` that it really writes to; ``taken``: how many messages that took."""

    office: Office
    store_url: str
    url: str
    taken: Callable[[], int]

    async def killed_at(self, moment: str, happened: str) -> None:
        """A first attempt at the message that the event opens, killed at the moment; then a second, to its end."""
        key = await self.office.open(happened)
        arguments = (self.store_url, self.url, self.office.customer, key, moment)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.sending_process", *arguments
        )
        assert await process.wait() == -signal.SIGKILL
        provider = email_provider(self.url)
        await self.office.send(key, provider)
        await provider.close()

    async def outcome(self) -> tuple[str, int]:
        """What the ledger says, and how many copies the mail server took."""
        return (await self.office.row()).status, self.taken()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture
async def smtp() -> AsyncIterator[RunningSmtp]:
    async with smtp_server() as smtp:
        yield smtp


@pytest.fixture
def post_office(office: Office, smtp: RunningSmtp, store_url: str) -> PostOffice:
    """A provider without idempotency keys."""
    return PostOffice(office, store_url, f"smtp://127.0.0.1:{smtp.port}", lambda: len(smtp.postbox.deliveries))


@pytest.fixture
async def postmark_office(office: Office, store_url: str) -> AsyncIterator[PostOffice]:
    """A provider with an HTTP API and no idempotency keys."""
    async with simulated(Postmark()) as server:
        url = f"postmark:{server.api.key}?api={server.url}"
        yield PostOffice(office, store_url, url, lambda: len(server.api.letters))


@pytest.fixture
async def resend_office(office: Office, store_url: str) -> AsyncIterator[PostOffice]:
    """A provider with idempotency keys."""
    async with simulated(Resend()) as server:
        url = f"resend:{server.api.key}?api={server.url}"
        yield PostOffice(office, store_url, url, lambda: len(server.api.letters))


@pytest.mark.parametrize("happened", [MARKETING, TRANSACTIONAL])
async def test_killed_before_the_claim_is_as_if_never_begun(post_office: PostOffice, happened: str) -> None:
    await post_office.killed_at(BEFORE_CLAIM, happened)
    assert await post_office.outcome() == ("sent", 1)


async def test_marketing_mail_killed_before_the_provider_was_asked_is_unknown_and_not_sent(
    post_office: PostOffice,
) -> None:
    await post_office.killed_at(AFTER_CLAIM, MARKETING)
    assert await post_office.outcome() == ("unknown", 0)


async def test_transactional_mail_killed_before_the_provider_was_asked_is_unknown_and_sent(
    post_office: PostOffice,
) -> None:
    await post_office.killed_at(AFTER_CLAIM, TRANSACTIONAL)
    assert await post_office.outcome() == ("unknown", 1)


async def test_marketing_mail_killed_after_its_acceptance_is_unknown_and_not_repeated(post_office: PostOffice) -> None:
    await post_office.killed_at(AFTER_ACCEPTANCE, MARKETING)
    assert await post_office.outcome() == ("unknown", 1)


async def test_transactional_mail_killed_after_its_acceptance_is_unknown_and_repeated(post_office: PostOffice) -> None:
    await post_office.killed_at(AFTER_ACCEPTANCE, TRANSACTIONAL)
    assert await post_office.outcome() == ("unknown", 2)


async def test_a_repeated_message_has_the_same_message_id(post_office: PostOffice, smtp: RunningSmtp) -> None:
    await post_office.killed_at(AFTER_ACCEPTANCE, TRANSACTIONAL)
    first, second = smtp.postbox.deliveries
    assert first.message["Message-ID"] == second.message["Message-ID"]


@pytest.mark.parametrize("happened", [MARKETING, TRANSACTIONAL])
async def test_killed_after_the_end_was_written_sends_nothing_more(post_office: PostOffice, happened: str) -> None:
    await post_office.killed_at(AFTER_END, happened)
    assert await post_office.outcome() == ("sent", 1)


@pytest.mark.parametrize("happened", [MARKETING, TRANSACTIONAL])
@pytest.mark.parametrize("moment", [AFTER_CLAIM, AFTER_ACCEPTANCE])
async def test_a_provider_with_idempotency_keys_takes_one_message_and_nothing_is_unknown(
    resend_office: PostOffice, moment: str, happened: str
) -> None:
    await resend_office.killed_at(moment, happened)
    assert await resend_office.outcome() == ("sent", 1)


@pytest.mark.parametrize(("happened", "copies"), [(MARKETING, 1), (TRANSACTIONAL, 2)])
async def test_a_provider_without_them_takes_what_the_rule_of_the_kind_says(
    postmark_office: PostOffice, happened: str, copies: int
) -> None:
    await postmark_office.killed_at(AFTER_ACCEPTANCE, happened)
    assert await postmark_office.outcome() == ("unknown", copies)
