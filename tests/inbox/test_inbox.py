"""The local inbox, with real mail sent to it and its pages asked for over HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from perennia.inbox import InboxAddresses, running_inbox
from perennia.inbox.mailbox import Mailbox as Kept
from perennia.providers.addresses import Mailbox
from perennia.providers.email import OutgoingEmail, email_provider

ANYWHERE = "127.0.0.1:0"
LETTER = OutgoingEmail(
    sender=Mailbox("hello@acme.example", "Ana at Acme"),
    recipient=Mailbox("ben@example.org", "Bén"),
    subject="Grüße <b>",
    text="Hello Ben",
    html="<html><head></head><body><p>Hello <i>Ben</i></p><script>alert(1)</script></body></html>",
    message_id="<0f3a@acme.example>",
    idempotency_key="k",
    date=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)


@dataclass
class Visit:
    addresses: InboxAddresses
    http: httpx.AsyncClient

    async def receive(self, *letters: OutgoingEmail) -> None:
        provider = email_provider(self.addresses.smtp_url)
        for letter in letters:
            await provider.send(letter)
        await provider.close()

    async def listed(self, **query: str) -> list[str]:
        """Recipients of the messages on the list, newest first."""
        answer = await self.http.get("/messages.json", params=query)
        return [message["recipients"][0] for message in answer.json()["messages"]]


@asynccontextmanager
async def visiting(folder: Path, delay: timedelta = timedelta(0)) -> AsyncGenerator[Visit]:
    async with (
        running_inbox(ANYWHERE, ANYWHERE, folder, delay=delay) as addresses,
        httpx.AsyncClient(base_url=addresses.url) as http,
    ):
        yield Visit(addresses, http)


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(tmp_path) as visit:
        yield visit


def to(*addresses: str) -> list[OutgoingEmail]:
    return [replace(LETTER, recipient=Mailbox(address)) for address in addresses]


async def test_a_message_is_listed_newest_first(visit: Visit) -> None:
    await visit.receive(*to("a@example.org", "b@example.org"))
    assert await visit.listed() == ["b@example.org", "a@example.org"]


async def test_the_list_can_be_searched_by_recipient(visit: Visit) -> None:
    await visit.receive(*to("ana@example.org", "ben@example.org", "ana@example.net"))
    assert await visit.listed(to="ANA@") == ["ana@example.net", "ana@example.org"]
    page = await visit.http.get("/", params={"to": "ben"})
    assert "ben@example.org" in page.text
    assert "ana@example" not in page.text.replace('placeholder="ana@example.com"', "")


async def test_the_list_can_be_followed_from_a_message_on(visit: Visit) -> None:
    await visit.receive(*to("a@example.org", "b@example.org"))
    assert await visit.listed(after="1") == ["b@example.org"]


async def test_older_messages_are_a_page_away(visit: Visit) -> None:
    await visit.receive(*to(*(f"n{number}@example.org" for number in range(51))))
    first = (await visit.http.get("/")).text
    assert "n50@" in first
    assert "n0@" not in first
    assert 'href="/?to=&amp;before=2"' in first
    assert "n0@" in (await visit.http.get("/", params={"before": "2"})).text


async def test_an_empty_inbox_says_what_to_expect(visit: Visit) -> None:
    assert "Nothing here yet" in (await visit.http.get("/")).text


async def test_a_subject_is_text_on_every_page(visit: Visit) -> None:
    await visit.receive(LETTER)
    for path in ("/", "/messages/1"):
        assert "Grüße &lt;b&gt;" in (await visit.http.get(path)).text


async def test_a_message_is_shown_in_a_frame_where_nothing_runs(visit: Visit) -> None:
    await visit.receive(LETTER)
    page = await visit.http.get("/messages/1")
    assert 'src="/messages/1/html" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    frame = await visit.http.get("/messages/1/html")
    assert "<p>Hello <i>Ben</i></p>" in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups" in policy


async def test_links_of_a_message_open_beside_the_inbox(visit: Visit) -> None:
    await visit.receive(LETTER)
    assert '<head><base target="_blank">' in (await visit.http.get("/messages/1/html")).text


async def test_no_page_of_the_inbox_has_a_script(visit: Visit) -> None:
    await visit.receive(LETTER)
    for path in ("/", "/messages/1", "/messages/1?view=text", "/messages/1?view=headers", "/messages/9"):
        answer = await visit.http.get(path)
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_text_headers_and_source_have_views_of_their_own(visit: Visit) -> None:
    await visit.receive(LETTER)
    assert "Hello Ben" in (await visit.http.get("/messages/1", params={"view": "text"})).text
    assert "&lt;0f3a@acme.example&gt;" in (await visit.http.get("/messages/1", params={"view": "headers"})).text
    source = (await visit.http.get("/messages/1", params={"view": "source"})).text
    assert "Content-Type: multipart/alternative" in source


async def test_a_message_of_text_alone_opens_on_its_text(visit: Visit) -> None:
    await visit.receive(replace(LETTER, html=None))
    page = await visit.http.get("/messages/1")
    assert "Hello Ben" in page.text
    assert "<iframe" not in page.text


async def test_a_message_can_be_read_as_json(visit: Visit) -> None:
    await visit.receive(LETTER)
    message = (await visit.http.get("/messages/1.json")).json()
    assert message["subject"] == "Grüße <b>"
    assert message["text"].strip() == "Hello Ben"
    assert ["Message-ID", "<0f3a@acme.example>"] in message["headers"]
    assert message["message_id"] == "<0f3a@acme.example>"


async def test_a_message_that_is_not_there_is_404(visit: Visit) -> None:
    for path in ("/messages/7", "/messages/7/html", "/messages/7.json"):
        assert (await visit.http.get(path)).status_code == 404


async def test_another_sites_name_for_this_address_is_refused(visit: Visit) -> None:
    answer = await visit.http.get("/messages.json", headers={"Host": "rebound.evil.example"})
    assert answer.status_code == 400


async def test_messages_survive_a_restart(tmp_path: Path) -> None:
    for expected in (1, 2):
        async with visiting(tmp_path) as visit:
            await visit.receive(LETTER)
            assert (await visit.http.get("/messages.json")).json()["count"] == expected


async def test_a_delayed_answer_comes_after_the_message_is_kept(tmp_path: Path) -> None:
    async with visiting(tmp_path, delay=timedelta(seconds=30)) as visit:
        sending = asyncio.create_task(visit.receive(LETTER))
        async with asyncio.timeout(20):
            while not await visit.listed():  # noqa: ASYNC110  # asked over HTTP: there is nothing to wait on
                await asyncio.sleep(0.02)
        assert not sending.done()
        sending.cancel()


async def test_only_the_newest_messages_are_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path, kept=3)
    for number in range(5):
        await kept.keep("a@example.org", [f"n{number}@example.org"], b"Subject: x\r\n\r\nx")
    found = await kept.summaries()
    kept.close()
    assert [summary.recipients[0] for summary in found] == ["n4@example.org", "n3@example.org", "n2@example.org"]


async def test_what_is_no_proper_message_is_kept_and_shown(visit: Visit) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(visit.addresses.smtp_url.rpartition(":")[2]))
    body = b"Subject: =?nonsense?q?=FF?=\r\nContent-Type: text/plain; charset=martian\r\n\r\n\xff\xfe\r\n.\r\n"
    for line in (b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<a@example.org>\r\n", b"DATA\r\n", body, b"QUIT\r\n"):
        writer.write(line)
        await asyncio.sleep(0.05)
    await reader.read()
    writer.close()
    assert (await visit.http.get("/messages/1")).status_code == 200
    assert (await visit.http.get("/messages/1.json")).status_code == 200


async def test_the_inbox_runs_as_a_process_until_it_is_told_to_stop(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from perennia.inbox import run_inbox\n"
        "asyncio.run(run_inbox('127.0.0.1:0', '127.0.0.1:0', pathlib.Path(sys.argv[1]), "
        "lambda url: print(url, flush=True)))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/health")).text == "ok"
    process.terminate()
    assert await process.wait() in {0, -15}
