"""The port for calling webhooks; the adapter that makes signed requests, and the one that only keeps in mind what it was told.

A signed request carries the three headers of Standard Webhooks; ``webhook-id`` is the same at each attempt. 2xx is an answer,
408, 425, 429 and 5xx are asked again, after the span that the receiver names; anything else is refused for good, redirects
included: they are not followed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from perennia.providers.failures import ProviderFailure, Refused, Unavailable
from perennia.providers.guarded_http import GuardedHttp, Reply
from perennia.providers.standard_webhooks import Signer, message_id

REMEMBERED: Final = 1_000


@dataclass(frozen=True)
class Request:
    """One request, texts rendered. ``body`` None: none; text leaves as it is, anything else as JSON.

    The same ``idempotency_key`` means the same request.
    """

    url: str
    method: str
    headers: Mapping[str, str]
    body: Any
    idempotency_key: str


@dataclass(frozen=True)
class Answer:
    """``body``: the JSON value that was answered; None where it was none, or too large. ``id``: the message's, on both sides."""

    status: int
    body: Any
    id: str | None = None


class WebhookCaller(Protocol):
    @property
    def name(self) -> str:
        """How the ledger calls it."""
        ...

    async def call(self, request: Request) -> Answer:
        """The answer, whose status is 2xx. Raises a `ProviderFailure` for any other."""
        ...

    async def close(self) -> None:
        """Ends idle connections."""
        ...


@dataclass
class RecordingWebhooks:
    """Calls nobody, and answers 200. The ledger keeps what was told; the last few are in ``requests``, too, for tests."""

    name: str = "recording"
    requests: deque[Request] = field(default_factory=lambda: deque[Request](maxlen=REMEMBERED))

    async def call(self, request: Request) -> Answer:
        self.requests.append(request)
        return Answer(200, None)

    async def close(self) -> None:
        pass


# Asked again: timed out, too early, too many.
_LATER: Final = frozenset({408, 425, 429})


def _now() -> datetime:
    return datetime.now(UTC)


class SignedWebhooks:
    """``now``: the instant that a signature tells, by which receivers know that it is fresh: real time, not the engine's."""

    name = "http"

    def __init__(self, http: GuardedHttp, signer: Signer, *, now: Callable[[], datetime] = _now) -> None:
        self._http = http
        self._signer = signer
        self._now = now

    async def call(self, request: Request) -> Answer:
        content, kind = _content(request.body)
        id_ = message_id(request.idempotency_key)
        headers = _sent_headers(request.headers, kind) | self._signer.headers(id_, self._now(), content)
        reply = await self._http.request(request.method, request.url, headers, content)
        if 200 <= reply.status < 300:
            return Answer(reply.status, _json(reply.content), id_)
        raise failure_of(reply)

    async def close(self) -> None:
        await self._http.close()


def _content(body: Any) -> tuple[bytes, str | None]:
    if body is None:
        return b"", None
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return msgspec.json.encode(body), "application/json"


def _sent_headers(given: Mapping[str, str], kind: str | None) -> dict[str, str]:
    """Those of the step in lower case, and what it leaves open."""
    own = {"user-agent": "perennia", "accept": "application/json"} | ({} if kind is None else {"content-type": kind})
    return own | {name.lower(): value for name, value in given.items()}


def _json(content: bytes | None) -> Any:
    try:
        return None if content is None else msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def failure_of(reply: Reply) -> ProviderFailure:
    """What any other answer than 2xx means."""
    text = (reply.content or b"").decode("utf-8", "replace")
    if reply.status in _LATER:
        return Unavailable(f"HTTP {reply.status}", retry_after=reply.retry_after, reply=text)
    if reply.status >= 500:
        return Unavailable(f"HTTP {reply.status}", retry_after=reply.retry_after, maybe_sent=True, reply=text)
    said = "a redirect, which is not followed" if 300 <= reply.status < 400 else "refused"
    detail = {"status": reply.status, "body": _json(reply.content)}
    return Refused(f"HTTP {reply.status}: {said}", reply=text, detail=detail)
