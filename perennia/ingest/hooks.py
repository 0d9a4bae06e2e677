"""``POST /hooks/{provider}``: what providers tell of messages, signed by them, into the store.

Providers send again what was not answered 2xx, for hours or days. So a call that would fail the same way for ever is refused
once it is known not to be theirs (401), and taken where they tell what we have no use for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.ingest.bells import Bells
from perennia.ingest.bodies import BodyError, TooLarge, read_body
from perennia.ingest.hearing import hear
from perennia.providers.reports import Call, ReportReader, Unreadable, Unsigned, Unverifiable
from perennia.store.port import Store, StoreUnavailable

log = logging.getLogger(__name__)

BODY_BYTES = 2 * 1024 * 1024  # SendGrid's batches have up to 768 KB
NO_READERS: Mapping[str, ReportReader] = MappingProxyType({})


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Hooks:
    """``readers``: by provider. ``real``: the wall clock, by which providers sign; ``clock`` is the engine's."""

    store: Store
    bells: Bells
    clock: Clock
    readers: Mapping[str, ReportReader]
    real: Callable[[], datetime] = wall_clock

    def routes(self) -> list[Route]:
        return [Route("/hooks/{provider}", self.hear, methods=["POST"], name="reports of providers")]

    async def hear(self, request: Request) -> Response:
        """Keeps all that the call tells, then answers 200; a call that comes again changes nothing."""
        provider: str = request.path_params["provider"]
        reader = self.readers.get(provider)
        if reader is None:
            return PlainTextResponse("no signing secret is set for this provider\n", 404)
        try:
            body = await read_body(request.stream(), request.headers.get("content-encoding"), BODY_BYTES)
            call = Call({name.lower(): value for name, value in request.headers.items()}, body, self.real())
            reports = await reader.read(call)
            await hear(self.store, provider, reports, self.clock.now())
        except (BodyError, ClientDisconnect, Unreadable, Unsigned, Unverifiable, StoreUnavailable) as error:
            return refused(provider, error)
        if reports:
            self.bells.nudge([])  # where it concerns somebody, the store has set their bell
        return PlainTextResponse("ok\n")


def refused(provider: str, error: Exception) -> Response:
    """What is answered to a call that is not taken."""
    match error:
        case Unsigned():
            log.warning("a call to /hooks/%s was not taken: %s", provider, error)
            # Some providers give their password only when they are asked for it.
            return PlainTextResponse("not signed\n", 401, {"WWW-Authenticate": 'Basic realm="hooks"'})
        case StoreUnavailable() | Unverifiable():
            return PlainTextResponse("send again\n", 503, {"Retry-After": "5"})
        case TooLarge():
            return PlainTextResponse("too large\n", 413)
        case _:
            log.warning("a call to /hooks/%s could not be read: %s", provider, error)
            return PlainTextResponse("not understood\n", 400)
