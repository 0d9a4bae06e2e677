"""A message leaves over real SMTP, and what comes back to its return path is heard over real SMTP and LMTP."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import aiosmtplib
import pytest

from perennia.ingest.mailbox import MAX_BYTES, Hearing, Listening, listening_mailbox
from perennia.providers.email import email_provider
from perennia.providers.mail_reports import MailReports
from perennia.providers.return_paths import ReturnPaths
from perennia.store.port import Store, StoreUnavailable
from perennia.store.records import MessageReport
from tests.providers import returned_mail as mail
from tests.sending.conftest import START, Office
from tests.support.api_world import HeardBells
from tests.support.smtp_server import make_certificates, smtp_server

MAILBOX = "bounces@mail.acme.example"
PATHS = ReturnPaths(MAILBOX, ["a key of the tests"])
ANYWHERE = Listening("127.0.0.1:0")


@dataclass
class Post:
    """A message to Ana that has left, and the mailbox that hears what becomes of it."""

    office: Office
    bells: HeardBells = field(default_factory=HeardBells)
    path: str = ""
    header: str = ""

    async def send(self, happened: str = "Joined") -> None:
        self.office.return_paths = PATHS
        async with smtp_server() as world:
            provider = email_provider(f"smtp://127.0.0.1:{world.port}")
            await self.office.send(await self.office.open(happened), provider)
            await provider.close()
        (delivery,) = world.postbox.deliveries
        self.path, self.header = delivery.sender, str(delivery.message["From"])

    @asynccontextmanager
    async def mailbox(self, where: Listening = ANYWHERE, store: Store | None = None) -> AsyncGenerator[int]:
        reports, clock = MailReports(PATHS), self.office.clock
        hearing = Hearing(reports, store or self.office.store, self.bells, clock, each_recipient=where.lmtp)
        async with listening_mailbox(hearing, where) as port:
            yield port

    def written(self, text: str) -> bytes:
        return mail.about(text, PATHS.reference(self.path) or "", "ana@example.com")

    async def hand_over(self, text: str, port: int, to: str | None = None, sender: str = "") -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
            await client.sendmail(sender, [to or self.path], self.written(text))

    async def comes_back(self, text: str, to: str | None = None, sender: str = "") -> None:
        async with self.mailbox() as port:
            await self.hand_over(text, port, to, sender)

    async def heard(self) -> list[str]:
        return [each.what for each in await self.office.store.reports(self.office.customer)]

    async def is_closed(self, address: str = "ana@example.com") -> bool:
        return not await self.office.store.suppress(address, "asked by the test", START)


@pytest.fixture
async def post(office: Office) -> Post:
    post = Post(office)
    await post.send()
    return post


async def test_a_message_leaves_with_a_return_path_of_its_own_and_its_sender_as_ever(post: Post) -> None:
    assert PATHS.reference(post.path) is not None
    assert post.header == "Ana at Acme <hello@acme.example>"


async def test_a_bounce_closes_the_address_and_the_playbook_hears_of_it(post: Post) -> None:
    await post.comes_back(mail.POSTFIX)
    assert post.bells.nudges == [[]]
    assert await post.heard() == ["bounced"]
    assert await post.is_closed()
    await post.office.turn()
    post.office.clock.instant = START + timedelta(hours=2)
    await post.office.turn()
    assert [task.title for task in await post.office.store.tasks()] == ["Ask for another address"]


async def test_a_bounce_that_comes_twice_counts_once(post: Post) -> None:
    for _ in range(2):
        await post.comes_back(mail.POSTFIX)
    assert await post.heard() == ["bounced"]


async def test_a_soft_bounce_closes_nothing(post: Post) -> None:
    await post.comes_back(mail.OFFICE_365_FULL)
    assert await post.heard() == ["bounced"]
    assert not await post.is_closed()


async def test_a_complaint_closes_the_address(post: Post) -> None:
    await post.comes_back(mail.YAHOO, MAILBOX, "feedback@arf.mail.yahoo.example")
    assert await post.heard() == ["complained"]
    assert await post.is_closed()


# --- what is not believed -------------------------------------------------------------------------------------------


async def test_a_report_that_names_somebody_else_closes_only_the_messages_own_recipient(post: Post) -> None:
    await post.comes_back(mail.POSTFIX.replace("RECIPIENT", "bob@example.com"))
    assert not await post.is_closed("bob@example.com")
    assert await post.is_closed()


async def test_the_address_that_the_message_went_to_is_closed_not_the_one_of_today(post: Post) -> None:
    await post.office.open("Signed Up", email="ana@new.example")
    await post.comes_back(mail.POSTFIX)
    assert not await post.is_closed("ana@new.example")
    assert await post.is_closed()


async def test_a_bounce_of_a_colleagues_mail_closes_nothing(office: Office) -> None:
    post = Post(office)
    await post.send("Went Quiet")
    await post.comes_back(mail.POSTFIX)
    assert await post.heard() == ["bounced"]
    assert not await post.is_closed()
    assert not await post.is_closed("sam@acme.example")


@pytest.mark.parametrize("text", [mail.YAHOO, mail.ANSWER, mail.MICROSOFT])
async def test_mail_about_a_message_that_is_not_ours_is_answered_and_not_kept(post: Post, text: str) -> None:
    await post.comes_back(text.replace("REFERENCE", "0f3a" * 8), MAILBOX, "mallory@evil.example")
    assert await post.heard() == []
    assert not await post.is_closed()


async def test_mail_to_a_return_path_that_was_not_made_here_is_refused_before_it_is_sent(post: Post) -> None:
    async with post.mailbox() as port:
        for stranger in ("postmaster@mail.acme.example", post.path.replace("-", "-a", 1), "x@evil.example"):
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
                await post.hand_over(mail.POSTFIX, port, stranger)
            assert refused.value.recipients[0].code == 550
    assert await post.heard() == []


# --- the conversation -----------------------------------------------------------------------------------------------


async def conversation(port: int, *lines: bytes) -> list[bytes]:
    """Says the lines one after the other, and returns everything that was answered until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for line in lines:
        writer.write(line)
        await writer.drain()
        await asyncio.sleep(0.05)
    answers = await reader.read()
    writer.close()
    return answers.splitlines()


async def test_lmtp_answers_once_for_each_recipient(post: Post) -> None:
    content = post.written(mail.POSTFIX) + b".\r\n"
    recipients = [f"RCPT TO:<{each}>\r\n".encode() for each in (post.path, MAILBOX)]
    async with post.mailbox(Listening("127.0.0.1:0", lmtp=True)) as port:
        answers = await conversation(
            port, b"LHLO mx\r\n", b"MAIL FROM:<>\r\n", *recipients, b"DATA\r\n", content, b"QUIT\r\n"
        )
    assert answers[-3:-1] == [b"250 2.0.0 Ok: 1 heard"] * 2
    assert await post.is_closed()


async def test_mail_that_is_much_too_large_is_refused(post: Post) -> None:
    async with post.mailbox() as port:
        with pytest.raises(aiosmtplib.SMTPException):
            await post.hand_over("x" * 70 + "\n" + ("y" * 70 + "\n") * (MAX_BYTES // 70), port)
    assert await post.heard() == []


async def test_starttls_is_offered_where_there_is_a_certificate(post: Post, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    async with post.mailbox(Listening("127.0.0.1:0", tls=certificates.server)) as port:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=port,
            start_tls=True,
            tls_context=ssl.create_default_context(cafile=str(certificates.ca)),
        )
        async with client:
            await client.sendmail("", [post.path], post.written(mail.POSTFIX))
    assert await post.heard() == ["bounced"]


class AwayStore:
    """A store that cannot be written."""

    async def hear_report(self, _report: MessageReport, _at: datetime) -> bool:
        raise StoreUnavailable("the disk is full")


async def test_while_the_store_is_away_mail_servers_are_asked_to_send_again(post: Post) -> None:
    async with post.mailbox(store=cast("Store", AwayStore())) as port:
        with pytest.raises(aiosmtplib.SMTPDataError) as asked:
            await post.hand_over(mail.POSTFIX, port)
    assert asked.value.code == 451


DYING = """
import asyncio, os, signal, sys
from perennia.clock import WallClock
from perennia.ingest.mailbox import Hearing, Listening, listening_mailbox
from perennia.providers.mail_reports import MailReports
from perennia.providers.return_paths import ReturnPaths
from perennia.store import open_store
from tests.support.api_world import HeardBells

class Dying:
    def __init__(self, store): self.store = store
    async def hear_report(self, report, at):
        await self.store.hear_report(report, at)
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    paths = ReturnPaths("bounces@mail.acme.example", ["a key of the tests"])
    hearing = Hearing(MailReports(paths), Dying(open_store(sys.argv[1])), HeardBells(), WallClock())
    async with listening_mailbox(hearing, Listening("127.0.0.1:0")) as port:
        print(port, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_mail_whose_250_was_lost_with_the_process_counts_once(post: Post, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, f"sqlite:///{tmp_path / 'store.sqlite'}", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await post.hand_over(mail.POSTFIX, port)
    assert await process.wait() == -signal.SIGKILL
    assert await post.heard() == ["bounced"]

    await post.comes_back(mail.POSTFIX)

    assert await post.heard() == ["bounced"]
    assert await post.is_closed()
