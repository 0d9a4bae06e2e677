"""Email over Mailgun's API, as a finished message: ``mailgun:KEY@DOMAIN?region=eu``.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
"""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

import msgspec

from perennia.providers.email import REFERENCE, Capabilities, OutgoingEmail, SentEmail, ascii_recipient
from perennia.providers.failures import ProviderFailure
from perennia.providers.mime import compose
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url, region_of

_HOSTS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}


def from_url(url: str) -> MailgunProvider:
    """The adapter's entry point."""
    return MailgunProvider(parse_web_url(url, "mailgun:KEY@DOMAIN", options=("region",)))


class MailgunProvider:
    """Passes the email conformance suite."""

    name = "mailgun"

    def __init__(self, url: WebUrl) -> None:
        login = b64encode(f"api:{url.key}".encode()).decode()
        self._api = WebApi("Mailgun", _HOSTS[region_of(url, _HOSTS)], url, {"Authorization": f"Basic {login}"})
        self._domain = url.place or ""
        self.capabilities = Capabilities(
            idempotent=False,
            at_once=url.connections,
            per_second=url.per_second,
            warm_up=url.warm_up,
            any_local_part=False,
            limit_bytes=25_000_000,
        )

    async def send(self, message: OutgoingEmail) -> SentEmail:
        ascii_recipient(message)
        fields = {"to": message.recipient.address, f"v:{REFERENCE}": message.reference}
        answer = await self._post(fields, compose(message))
        if answer.accepted:
            return SentEmail(provider_id=(answer.accepted_as(_Said).id or "").strip("<>") or None)
        raise _failure(answer)

    async def examine(self) -> str:
        """Posts a message without a recipient: a key that may only send is allowed to ask nothing else."""
        answer = await self._post({"o:testmode": "yes"}, b"")
        if answer.status != 400:
            raise _failure(answer)
        return f"Mailgun takes the key for {self._domain}"

    async def close(self) -> None:
        await self._api.close()

    async def _post(self, fields: dict[str, str], message: bytes) -> Answer:
        path = f"/v3/{quote(self._domain, safe='')}/messages.mime"
        return await self._api.call("POST", path, fields=fields, files={"message": message})


class _Said(msgspec.Struct):
    id: str | None = None
    message: str = ""


def _failure(answer: Answer) -> ProviderFailure:
    said = (answer.read(_Said) or _Said()).message.lower()
    if answer.status == 400 and "parameter is not a valid address" in said:
        return (
            answer.invalid_address("to") if said.startswith("'to'") else answer.misconfigured("refused the sender", "")
        )
    return answer.failure()
