"""Channels of the team: Slack, Microsoft Teams, mail, and whoever takes a signed request.

```
slack:https://hooks.slack.com/services/...        an incoming webhook (Mattermost's is the same)
teams:https://....logic.azure.com/workflows/...   a workflow "Post to a channel when a webhook request is received"
webhook:https://example.com/notices               a request that is signed as Standard Webhooks has it
mailto:team@example.com?from=robot@example.com    through the provider that all mail leaves by
```

A notice holds what customers told us, so nothing in it may command the channel: no mentions of everybody, no links that
show another address than they lead to.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs, unquote

import msgspec

from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.email import EmailProvider, OutgoingEmail
from perennia.providers.failures import Misconfigured, ProviderFailure, Refused
from perennia.providers.guarded_http import GuardedHttp, Reply
from perennia.providers.notices import ChannelProvider, Means, Notice
from perennia.providers.standard_webhooks import message_id
from perennia.providers.webhooks import Request, SignedWebhooks, failure_of

# Teams takes 28 KB with all that is around the text, Slack 40,000 characters.
MOST_BYTES: Final = 20_000
MOST_SUBJECT_CHARS: Final = 120
# The channel is gone, or the address was never one: the same for every notice until somebody repairs the setting.
GONE: Final = frozenset({401, 403, 404, 405, 410})


def from_url(url: str, means: Means) -> ChannelProvider:
    """The entry point of them all. Raises `Misconfigured`, never with the URL in its message: it is a secret."""
    kind, _, where = url.partition(":")
    if kind == "mailto":
        return _mail_channel(where, means.email)
    if not where.startswith(("https://", "http://")):
        raise Misconfigured(f"the URL of a {kind} channel is {kind}:https://...")
    if kind == "webhook":
        return WebhookChannel(where, SignedWebhooks(means.http, means.signer))
    return (SlackChannel if kind == "slack" else TeamsChannel)(where, means.http)


class SlackChannel:
    """An incoming webhook of Slack."""

    name = "slack"

    def __init__(self, url: str, http: GuardedHttp) -> None:
        self._url = url
        self._http = http

    async def post(self, notice: Notice) -> str | None:
        text = shortened(notice.text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        await _post(self._http, self._url, self.name, {"text": text, "unfurl_links": False})
        return None

    async def close(self) -> None:
        await self._http.close()


class TeamsChannel:
    """A workflow of Microsoft Teams that posts an Adaptive Card."""

    name = "teams"

    def __init__(self, url: str, http: GuardedHttp) -> None:
        self._url = url
        self._http = http

    async def post(self, notice: Notice) -> str | None:
        # Of Markdown only what could disguise a link is taken out; a single line break would be none.
        text = shortened(notice.text).replace("[", "\\[").replace("]", "\\]").replace("\n", "\n\n")
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [{"type": "TextBlock", "text": text, "wrap": True}],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        await _post(self._http, self._url, self.name, {"type": "message", "attachments": [attachment]})
        return None

    async def close(self) -> None:
        await self._http.close()


class WebhookChannel:
    """A signed request: ``{"type": "notice", "timestamp": ..., "data": {"channel": ..., "text": ...}}``."""

    name = "webhook"

    def __init__(self, url: str, caller: SignedWebhooks) -> None:
        self._url = url
        self._caller = caller

    async def post(self, notice: Notice) -> str | None:
        body = {
            "type": "notice",
            "timestamp": notice.at.isoformat().replace("+00:00", "Z"),
            "data": {"channel": notice.channel, "text": notice.text},
        }
        return (await self._caller.call(Request(self._url, "POST", {}, body, notice.idempotency_key))).id

    async def close(self) -> None:
        await self._caller.close()


class MailChannel:
    """Mail to one address, a list's for example. The first line is its subject."""

    name = "email"

    def __init__(self, to: Mailbox, sender: Mailbox | None, provider: EmailProvider) -> None:
        self._to = to
        self._sender = sender
        self._provider = provider

    async def post(self, notice: Notice) -> str | None:
        sender = self._sender or notice.sender
        if sender is None:
            raise Misconfigured("a mailto: channel needs ?from=ADDRESS, or a default_sender in the policies")
        subject = " ".join(notice.text.strip().partition("\n")[0].split())[:MOST_SUBJECT_CHARS]
        id_ = f"<{message_id(notice.idempotency_key)}@{sender.domain}>"
        message = OutgoingEmail(
            sender=sender,
            recipient=self._to,
            subject=subject or notice.channel,
            text=notice.text,
            html=None,
            message_id=id_,
            idempotency_key=notice.idempotency_key,
            date=notice.at,
            headers=(("Auto-Submitted", "auto-generated"),),
        )
        return (await self._provider.send(message)).provider_id

    async def close(self) -> None:
        await self._provider.close()


def _mail_channel(where: str, provider: EmailProvider) -> MailChannel:
    address, _, query = where.partition("?")
    told = parse_qs(query)
    unknown = sorted(told.keys() - {"from"})
    if unknown:
        raise Misconfigured(f"a mailto: channel has no option {unknown[0]!r}; there is from")
    try:
        sender = Mailbox(told["from"][0]) if "from" in told else None
        return MailChannel(Mailbox(unquote(address)), sender, provider)
    except InvalidAddress as error:
        raise Misconfigured(f"a mailto: channel is mailto:ADDRESS?from=ADDRESS ({error})") from error


def shortened(text: str) -> str:
    """As much of the text as every channel takes."""
    whole = text.encode()
    return text if len(whole) <= MOST_BYTES else whole[:MOST_BYTES].decode(errors="ignore") + " ..."


async def _post(http: GuardedHttp, url: str, name: str, body: Any) -> None:
    headers = {"content-type": "application/json", "user-agent": "perennia"}
    reply = await http.request("POST", url, headers, msgspec.json.encode(body))
    if not 200 <= reply.status < 300:
        raise _failure(name, reply)


def _failure(name: str, reply: Reply) -> ProviderFailure:
    failure = failure_of(reply)
    if reply.status in GONE or 300 <= reply.status < 400:
        return Misconfigured(f"{name} has no such channel any more (HTTP {reply.status})", reply=failure.reply)
    if isinstance(failure, Refused):
        return Refused(f"{name} refused the notice (HTTP {reply.status})", reply=failure.reply)
    return failure
