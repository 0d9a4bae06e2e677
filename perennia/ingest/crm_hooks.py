"""``POST /hooks/crm/hubspot``: HubSpot tells that something happened to records, which are then read at once.

What is told is written down before it is answered; a call that comes twice has them read twice, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.ingest.bodies import BodyError, read_body
from perennia.ingest.hooks import refused, wall_clock
from perennia.providers.hubspot_calls import records_told_of
from perennia.providers.reports import Call, Unreadable, Unsigned
from perennia.store.crm_port import CrmMemory
from perennia.store.port import StoreUnavailable

BODY_BYTES: Final = 1024 * 1024  # a hundred events a call
PATH: Final = "/hooks/crm/hubspot"


@dataclass(frozen=True)
class CrmHook:
    """``secret``: the app's; None: nobody is listened to. ``public_url``: the address under which HubSpot reaches us."""

    store: CrmMemory
    clock: Clock
    secret: str | None
    public_url: str
    real: Callable[[], datetime] = wall_clock

    def routes(self) -> list[Route]:
        return [Route(PATH, self.hear, methods=["POST"], name="calls of the CRM")]

    async def hear(self, request: Request) -> Response:
        """Answers 200 once the records are written down."""
        if self.secret is None:
            return PlainTextResponse("no secret is set for HubSpot's calls (crm_hook_secret)\n", 404)
        try:
            body = await read_body(request.stream(), request.headers.get("content-encoding"), BODY_BYTES)
            call = Call({name.lower(): value for name, value in request.headers.items()}, body, self.real())
            query = f"?{request.url.query}" if request.url.query else ""
            told = records_told_of(call, self.secret, f"{self.public_url}{PATH}{query}")
            for kind, records in told.items():
                await self.store.crm_told("hubspot", kind, records, self.clock.now())
        except (BodyError, ClientDisconnect, Unreadable, Unsigned, StoreUnavailable) as error:
            return refused("crm/hubspot", error)
        return PlainTextResponse("ok\n")
