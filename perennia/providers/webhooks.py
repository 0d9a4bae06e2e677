"""The port for calling webhooks, and the adapter that only keeps in mind what it was told."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

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
    """``body``: the JSON value that was answered; None where it was none, or too large."""

    status: int
    body: Any


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
