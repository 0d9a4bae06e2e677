"""One call of a provider's HTTP API, and what its answer means where the provider has no meaning of its own for it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TypeVar

import httpx
import msgspec

from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable
from perennia.providers.retry_after import retry_after
from perennia.providers.web_urls import WebUrl

T = TypeVar("T")

# Gateways answer these when whoever stands behind them did not: it may have accepted the message.
_LOST_BEHIND_A_GATEWAY = frozenset({502, 504})
_MAX_REPLY_CHARS = 2_000


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of ``provider``. ``retry_after``: the span it asked for, whether in seconds or as a date.

    ``headers``: names in lower case.
    """

    provider: str
    status: int
    content: bytes
    headers: Mapping[str, str]
    retry_after: timedelta | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.content[:_MAX_REPLY_CHARS].decode("utf-8", "replace")

    def read(self, form: type[T]) -> T | None:
        """The body in this form, whatever else it holds; None where it has another. Every field of a form has a default."""
        try:
            return msgspec.json.decode(self.content, type=form)
        except msgspec.MsgspecError:
            return None

    def accepted_as(self, form: type[T]) -> T:
        """The body of a success. One that cannot be read is no proof: a proxy's page may stand in its place."""
        body = self.read(form)
        if body is None:
            raise Unavailable(f"{self.provider} answered {self.status} with something unreadable", maybe_sent=True)
        return body

    def failure(self, code: object = None) -> ProviderFailure:
        """What an answer means by its status alone. ``code``: the provider's own, for the message."""
        said = f"{self.status} {code}" if code else str(self.status)
        match self.status:
            case 429 | 408 | 425:
                return Unavailable(
                    f"{self.provider} asks to come back later ({said})", retry_after=self.retry_after, reply=self.text
                )
            case status if status >= 500:
                return Unavailable(
                    f"{self.provider} cannot take the message now ({said})",
                    retry_after=self.retry_after,
                    maybe_sent=status in _LOST_BEHIND_A_GATEWAY,
                    reply=self.text,
                )
            case 401 | 403:
                return Misconfigured(f"{self.provider} refused the key, or what it may do ({said})", reply=self.text)
            case 400 | 413 | 422:
                return Refused(f"{self.provider} refused the message ({said})", reply=self.text)
            case _:
                return Misconfigured(f"{self.provider} does not serve this address ({said})", reply=self.text)

    def misconfigured(self, what: str, code: object) -> Misconfigured:
        return Misconfigured(f"{self.provider} {what} ({self.status} {code})", reply=self.text)

    def invalid_address(self, code: object) -> Refused:
        message = f"{self.provider} knows no such recipient ({self.status} {code})"
        return Refused(message, reason="invalid_address", reply=self.text)

    def refused_recipient(self, code: object) -> Refused:
        return Refused(f"{self.provider} does not send to this recipient ({self.status} {code})", reply=self.text)

    def later(self, code: object) -> Unavailable:
        message = f"{self.provider} asks to come back later ({self.status} {code})"
        return Unavailable(message, retry_after=self.retry_after, reply=self.text)


class WebApi:
    """Calls over a few connections that are kept open. ``provider``: its name, as people write it."""

    def __init__(self, provider: str, base: str, url: WebUrl, headers: Mapping[str, str] | None = None) -> None:
        self._provider = provider
        self._client: httpx.AsyncClient | None = None
        self._url = url
        self._headers = {"User-Agent": "perennia", "Accept": "application/json", **(headers or {})}
        self.base = url.api or base

    async def call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Answer:
        """``content``, or a form of ``fields`` and ``files``.

        Raises `Unavailable` where no answer came, `Misconfigured` where nobody trustworthy is there.
        """
        try:
            answer = await self._open().request(
                method, f"{self.base}{path}", content=content, headers=headers, data=fields, files=files
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._not_reached(error) from error
        except httpx.WriteError as error:
            raise Unavailable(f"the connection to {self._provider} broke before it had the message") from error
        except httpx.TransportError as error:
            # Also where the connection closed while the request was being written: TCP does not tell what was read.
            raise Unavailable(f"{self._provider} did not answer ({type(error).__name__})", maybe_sent=True) from error
        return Answer(
            self._provider, answer.status_code, answer.content, dict(answer.headers), retry_after(answer.headers)
        )

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Posts ``body`` as JSON."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self.call("POST", path, content=msgspec.json.encode(body), headers=sent)

    async def patch(self, path: str, body: object) -> Answer:
        """Changes what is there by ``body``, as JSON."""
        sent = {"Content-Type": "application/json"}
        return await self.call("PATCH", path, content=msgspec.json.encode(body), headers=sent)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            # Idle connections are given up before servers do: one that closed in between leaves open what became of a message.
            limits = httpx.Limits(max_connections=self._url.connections, keepalive_expiry=5.0)
            timeout = httpx.Timeout(self._url.timeout_seconds, connect=min(self._url.timeout_seconds, 10.0))
            self._client = httpx.AsyncClient(
                headers=self._headers, limits=limits, timeout=timeout, verify=_authorities()
            )
        return self._client

    def _not_reached(self, error: Exception) -> ProviderFailure:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return Misconfigured(f"the certificate of {self._provider} is not trusted: {cause.verify_message}")
            cause = cause.__cause__ or cause.__context__
        return Unavailable(f"{self._provider} cannot be reached ({type(error).__name__})")


@cache
def _authorities() -> ssl.SSLContext:
    """Read once: it takes as long as some calls do."""
    return httpx.create_ssl_context()
