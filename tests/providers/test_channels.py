"""Notices as Slack, Teams, mailboxes and receivers of signed requests get them, over real HTTP."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Response
from standardwebhooks.webhooks import Webhook

from perennia.providers.addresses import Mailbox
from perennia.providers.email import Capabilities, OutgoingEmail, SentEmail
from perennia.providers.failures import Misconfigured, Refused, Unavailable
from perennia.providers.notices import ChannelProvider, Means, Notice, channel_provider
from perennia.providers.standard_webhooks import Signer
from tests.support.receiver import Receiver, local_http, receiving

SECRET = f"whsec_{b64encode(b's' * 32).decode()}"
AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NOT_IDEMPOTENT = Capabilities(idempotent=False)


@dataclass
class KeptMail:
    name: str = "kept"
    capabilities: Capabilities = NOT_IDEMPOTENT
    sent: list[OutgoingEmail] = field(default_factory=list[OutgoingEmail])

    async def send(self, message: OutgoingEmail) -> SentEmail:
        self.sent.append(message)
        return SentEmail("m1")

    async def examine(self) -> str:
        return "fine"

    async def close(self) -> None:
        pass


def means(mail: KeptMail | None = None) -> Means:
    return Means(local_http(), Signer([SECRET]), mail or KeptMail())


def notice(text: str, sender: Mailbox | None = None) -> Notice:
    return Notice("cs-team", text, "c1/p.1/notify-1/1", AT, sender)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as somebody:
        yield somebody


def channel(kind: str, receiver: Receiver) -> ChannelProvider:
    return channel_provider(f"{kind}:{receiver.url}/hook?sig=x", means())


async def test_slack_gets_the_text_and_nothing_in_it_is_a_command(receiver: Receiver) -> None:
    await channel("slack", receiver).post(notice("Ana <!channel> <https://evil.example|https://acme.example> & co"))

    (received,) = receiver.received
    assert (received.method, received.path) == ("POST", "/hook?sig=x")
    assert json.loads(received.content) == {
        "text": "Ana &lt;!channel&gt; &lt;https://evil.example|https://acme.example&gt; &amp; co",
        "unfurl_links": False,
    }


async def test_teams_gets_an_adaptive_card_and_no_link_in_it_is_disguised(receiver: Receiver) -> None:
    receiver.answers = [Response(status_code=202)]
    await channel("teams", receiver).post(notice("Ana\n[https://acme.example](https://evil.example)"))

    sent = json.loads(receiver.received[0].content)
    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")
    text = r"\[https://acme.example\](https://evil.example)"
    assert attachment["content"]["body"] == [{"type": "TextBlock", "text": f"Ana\n\n{text}", "wrap": True}]


@pytest.mark.parametrize(("kind", "most"), [("slack", 40_000), ("teams", 28_000)])
async def test_a_long_text_is_cut_to_what_the_channel_takes(receiver: Receiver, kind: str, most: int) -> None:
    await channel(kind, receiver).post(notice("\u00e5" * 30_000))
    assert len(receiver.received[0].content) < most


async def test_a_webhook_channel_gets_a_signed_request(receiver: Receiver) -> None:
    id_ = await channel("webhook", receiver).post(notice("Look here"))

    (received,) = receiver.received
    assert received.headers["webhook-id"] == id_
    assert Webhook(SECRET).verify(received.content, dict(received.headers)) == {
        "type": "notice",
        "timestamp": "2026-03-02T10:00:00Z",
        "data": {"channel": "cs-team", "text": "Look here"},
    }


async def test_mail_has_the_first_line_as_its_subject() -> None:
    mail = KeptMail()
    box = channel_provider("mailto:cs%2Bduty@acme.example?from=robot@acme.example", means(mail))
    assert await box.post(notice("Ana may not renew\n\nHer plan ends soon.", Mailbox("hello@acme.example"))) == "m1"

    (message,) = mail.sent
    assert (message.recipient.address, message.sender.address) == ("cs+duty@acme.example", "robot@acme.example")
    assert (message.subject, message.text) == ("Ana may not renew", "Ana may not renew\n\nHer plan ends soon.")
    assert (message.idempotency_key, message.headers) == (
        "c1/p.1/notify-1/1",
        (("Auto-Submitted", "auto-generated"),),
    )


async def test_mail_without_a_sender_of_its_own_comes_from_the_policies() -> None:
    mail = KeptMail()
    box = channel_provider("mailto:cs@acme.example", means(mail))
    await box.post(notice("\r\n", Mailbox("hello@acme.example")))
    assert (mail.sent[0].sender.address, mail.sent[0].subject) == ("hello@acme.example", "cs-team")
    with pytest.raises(Misconfigured, match="default_sender"):
        await box.post(notice("x"))


@pytest.mark.parametrize("kind", ["slack", "teams", "webhook"])
async def test_a_channel_that_is_away_is_asked_again_later(receiver: Receiver, kind: str) -> None:
    receiver.answers = [Response(status_code=429, headers={"Retry-After": "30"}), Response(status_code=500)]
    with pytest.raises(Unavailable) as failure:
        await channel(kind, receiver).post(notice("x"))
    assert failure.value.retry_after == timedelta(seconds=30)
    with pytest.raises(Unavailable):
        await channel(kind, receiver).post(notice("x"))


@pytest.mark.parametrize("status", [302, 401, 403, 404, 410])
@pytest.mark.parametrize("kind", ["slack", "teams"])
async def test_notices_to_a_channel_that_is_gone_are_held_until_it_is_repaired(
    receiver: Receiver, kind: str, status: int
) -> None:
    receiver.answers = [Response(b"no_service", status)]
    with pytest.raises(Misconfigured, match=f"HTTP {status}") as failure:
        await channel(kind, receiver).post(notice("x"))
    assert failure.value.reply == "no_service"


async def test_a_notice_that_is_refused_is_refused(receiver: Receiver) -> None:
    receiver.answers = [Response(b"invalid_payload", 400)]
    with pytest.raises(Refused, match="slack refused the notice"):
        await channel("slack", receiver).post(notice("x"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("slack:hooks.slack.com/T/B/hunter2", "slack:https://"),
        ("teams:", "teams:https://"),
        ("mailto:nobody-hunter2", "mailto:ADDRESS"),
        ("mailto:cs@acme.example?cc=hunter2", "no option 'cc'"),
        (
            "https://hooks.slack.com/hunter2",
            r'no channel serves "https:"; there are: mailto:, slack:, teams:, webhook:',
        ),
    ],
)
def test_a_url_that_is_none_is_a_misconfiguration_that_keeps_the_secret(url: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as failure:
        channel_provider(url, means())
    assert "hunter2" not in str(failure.value)
