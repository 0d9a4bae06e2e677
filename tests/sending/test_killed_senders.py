"""kill -9 at each state of the ledger, for each provider: a real process, a real server, and what a second attempt does."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from deploy.simulator import mailgun, postmark, resend, sendgrid, ses
from deploy.simulator.exchange import Api
from deploy.simulator.server import simulated
from perennia.providers.email import email_provider
from tests.sending.conftest import Office
from tests.support.sending_process import AFTER_ACCEPTANCE, AFTER_CLAIM, AFTER_END, BEFORE_CLAIM
from tests.support.smtp_server import smtp_server

MARKETING, TRANSACTIONAL = "Signed Up", "Paid"


class End(NamedTuple):
    """What the ledger says in the end, and how many copies the provider took."""

    status: str
    copies: int


# Of a provider that knows a key again, and of one that does not: then the rule of the message's kind decides.
KNOWS: Final = {
    (BEFORE_CLAIM, MARKETING): End("sent", 1),
    (BEFORE_CLAIM, TRANSACTIONAL): End("sent", 1),
    (AFTER_CLAIM, MARKETING): End("sent", 1),
    (AFTER_CLAIM, TRANSACTIONAL): End("sent", 1),
    (AFTER_ACCEPTANCE, MARKETING): End("sent", 1),
    (AFTER_ACCEPTANCE, TRANSACTIONAL): End("sent", 1),
    (AFTER_END, MARKETING): End("sent", 1),
    (AFTER_END, TRANSACTIONAL): End("sent", 1),
}
FORGETS: Final = {
    **KNOWS,
    (AFTER_CLAIM, MARKETING): End("unknown", 0),
    (AFTER_CLAIM, TRANSACTIONAL): End("unknown", 1),
    (AFTER_ACCEPTANCE, MARKETING): End("unknown", 1),
    (AFTER_ACCEPTANCE, TRANSACTIONAL): End("unknown", 2),
}


@dataclass(frozen=True)
class Web:
    """A provider with an HTTP API: the fake of it, and the URL of its adapter for that fake's key."""

    api: Callable[[], Api]
    url: Callable[[str], str]


WEB: Final = {
    "resend": Web(resend.Resend, lambda key: f"resend:{key}"),
    "postmark": Web(postmark.Postmark, lambda key: f"postmark:{key}"),
    "ses": Web(ses.Ses, lambda key: f"ses:{key}@{ses.REGION}"),
    "sendgrid": Web(sendgrid.SendGrid, lambda key: f"sendgrid:{key}"),
    "mailgun": Web(mailgun.Mailgun, lambda key: f"mailgun:{key}@{mailgun.DOMAIN}"),
}
ENDS: Final = {"smtp": FORGETS, **dict.fromkeys(WEB, FORGETS), "resend": KNOWS}

# One of each rule in `make test`; the whole table in `make test-full`.
DECISIVE: Final = {
    ("smtp", BEFORE_CLAIM, MARKETING),
    ("smtp", AFTER_CLAIM, MARKETING),
    ("smtp", AFTER_CLAIM, TRANSACTIONAL),
    ("smtp", AFTER_ACCEPTANCE, MARKETING),
    ("smtp", AFTER_END, TRANSACTIONAL),
    ("ses", AFTER_ACCEPTANCE, TRANSACTIONAL),
    ("resend", AFTER_CLAIM, MARKETING),
    ("resend", AFTER_ACCEPTANCE, TRANSACTIONAL),
}


def every_kill() -> Iterator[object]:
    moments = (BEFORE_CLAIM, AFTER_CLAIM, AFTER_ACCEPTANCE, AFTER_END)
    for each in product(ENDS, moments, (MARKETING, TRANSACTIONAL)):
        provider, moment, happened = each
        kind = "marketing" if happened == MARKETING else "transactional"
        marks = () if each in DECISIVE else (pytest.mark.slow,)
        yield pytest.param(*each, ENDS[provider][moment, happened], id=f"{provider}-{moment}-{kind}", marks=marks)


@dataclass
class PostOffice:
    """Ana's office, and the servers that it really writes to. ``message_ids``: of what they took."""

    office: Office
    store_url: str
    servers: AsyncExitStack

    async def open(self, provider: str) -> tuple[str, Callable[[], list[str]]]:
        """The URL of a running provider, and the Message-IDs of what it has taken so far."""
        if provider == "smtp":
            smtp = await self.servers.enter_async_context(smtp_server())
            return f"smtp://127.0.0.1:{smtp.port}", lambda: [
                str(each.message["Message-ID"]) for each in smtp.postbox.deliveries
            ]
        web = WEB[provider]
        server = await self.servers.enter_async_context(simulated(web.api()))
        url = f"{web.url(server.api.key)}?api={server.url}"
        return url, lambda: [str(each.message["Message-ID"]) for each in server.api.letters]

    async def killed_at(self, url: str, moment: str, happened: str) -> str:
        """A first attempt at the message that the event opens, killed at the moment; then a second, to its end: its status."""
        return await self.taken_up(url, moment, await self.office.open(happened))

    async def taken_up(self, url: str, moment: str, key: str) -> str:
        """The same of an open message."""
        await self.killed(url, moment, key)
        provider = email_provider(url)
        await self.office.send(key, provider)
        await provider.close()
        return (await self.office.row()).status

    async def killed(self, url: str, moment: str, key: str) -> None:
        arguments = (self.store_url, url, self.office.customer, key, moment)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.sending_process", *arguments
        )
        assert await process.wait() == -signal.SIGKILL


@pytest.fixture
async def post_office(office: Office, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with AsyncExitStack() as servers:
        yield PostOffice(office, f"sqlite:///{tmp_path / 'store.sqlite'}", servers)


@pytest.mark.parametrize(("provider", "moment", "happened", "end"), list(every_kill()))
async def test_a_killed_sender_leaves_what_its_provider_and_the_kind_of_message_say(
    post_office: PostOffice, provider: str, moment: str, happened: str, end: End
) -> None:
    url, taken = await post_office.open(provider)
    status = await post_office.killed_at(url, moment, happened)
    assert End(status, len(taken())) == end


async def test_a_repeated_message_has_the_same_message_id(post_office: PostOffice) -> None:
    url, taken = await post_office.open("smtp")
    await post_office.killed_at(url, AFTER_ACCEPTANCE, TRANSACTIONAL)
    first, second = taken()
    assert first == second
