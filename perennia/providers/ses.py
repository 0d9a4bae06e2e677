"""Email over Amazon SES, version 2 of its API, as a finished message: ``ses:KEY_ID:SECRET@REGION?set=CONFIGURATION_SET``.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html. ``set``: the configuration set whose event
destination tells what becomes of messages. ``token``: the session token of temporary credentials.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from perennia.providers.aws_signature import Credentials, Service, signed_headers
from perennia.providers.email import REFERENCE, Capabilities, OutgoingEmail, SentEmail, ascii_recipient
from perennia.providers.failures import Misconfigured, ProviderFailure
from perennia.providers.mime import compose
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url

_FORM = "ses:KEY_ID:SECRET@REGION"
_LATER = frozenset({"ThrottlingException", "Throttling", "LimitExceededException"})
_ABOUT_US = frozenset(
    {"MailFromDomainNotVerifiedException", "AccountSuspendedException", "SendingPausedException", "NotFoundException"}
)


def from_url(url: str) -> SesProvider:
    """The adapter's entry point."""
    return SesProvider(parse_web_url(url, _FORM, options=("set", "token")))


class SesProvider:
    """Passes the email conformance suite."""

    name = "ses"

    def __init__(self, url: WebUrl, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        key_id, _, secret = url.key.partition(":")
        if not secret:
            raise Misconfigured(f"the URL of ses is {_FORM}; an @ or ? in the secret is percent-encoded")
        self._credentials = Credentials(key_id, secret, url.options.get("token"))
        self._service = Service("ses", url.place or "")
        self._set = url.options.get("set")
        self._now = now
        self._api = WebApi("Amazon SES", f"https://email.{url.place}.amazonaws.com", url)
        self.capabilities = Capabilities(
            idempotent=False,
            at_once=url.connections,
            per_second=url.per_second,
            warm_up=url.warm_up,
            keeps_message_id=False,
            any_local_part=False,
            limit_bytes=40_000_000,
        )

    async def send(self, message: OutgoingEmail) -> SentEmail:
        ascii_recipient(message)
        body: dict[str, object] = {
            "Destination": {"ToAddresses": [message.recipient.address]},
            "Content": {"Raw": {"Data": b64encode(compose(message)).decode()}},
            "EmailTags": [{"Name": REFERENCE, "Value": message.reference}],
        }
        if self._set is not None:
            body["ConfigurationSetName"] = self._set
        answer = await self._call("POST", "/v2/email/outbound-emails", msgspec.json.encode(body))
        if answer.accepted:
            return SentEmail(provider_id=answer.accepted_as(_Said).id)
        raise _failure(answer)

    async def examine(self) -> str:
        answer = await self._call("GET", "/v2/email/account", b"")
        if not answer.accepted:
            raise _failure(answer)
        if not (answer.read(_Account) or _Account()).enabled:
            raise answer.misconfigured("does not let the account send", "SendingEnabled false")
        return f"Amazon SES takes the key in {self._service.region}"

    async def close(self) -> None:
        await self._api.close()

    async def _call(self, method: str, path: str, body: bytes) -> Answer:
        url = f"{self._api.base}{path}"
        headers = signed_headers(self._credentials, self._service, method, url, body, self._now())
        return await self._api.call(method, path, content=body, headers={**headers, "Content-Type": "application/json"})


class _Said(msgspec.Struct):
    id: str | None = msgspec.field(default=None, name="MessageId")
    message: str = ""


class _Account(msgspec.Struct):
    enabled: bool = msgspec.field(default=True, name="SendingEnabled")


def _failure(answer: Answer) -> ProviderFailure:
    # "BadRequestException:http://internal.amazon.com/coral/..." as some of its services write it.
    code = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    said = (answer.read(_Said) or _Said()).message.lower()
    if code in _LATER:
        return answer.later(code)
    if code in _ABOUT_US:
        return answer.misconfigured("refused the sender, or what the account may do", code)
    if code == "MessageRejected" and "not verified" in said:
        return answer.misconfigured("refused the sender, or the account is in the sandbox", code)
    if code == "BadRequestException" and ("address" in said or "domain" in said):
        return answer.invalid_address(code)
    return answer.failure(code or None)
