"""``POST /hooks/events/{source}``: webhooks of any system, signed by it, as events of customers: ``hooks.yaml`` says how.

What is signed and means nothing that we can store is kept with its reason, and answered 200: it would fail the same way for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.ingest.bodies import BodyError, read_body
from perennia.ingest.group_commit import GroupCommit, TooMuchWaiting
from perennia.ingest.hook_mappings import HookMapping, read_call
from perennia.ingest.hooks import refused, wall_clock
from perennia.providers.reports import Call, Unsigned, Unverifiable
from perennia.providers.signed_calls import identity
from perennia.store.port import StoreUnavailable
from perennia.store.records import Rejected

log = logging.getLogger(__name__)

BODY_BYTES: Final = 512 * 1024  # as a batch of the Segment calls


@dataclass(frozen=True)
class EventHook:
    """``secret``: with which the sender signs; several with blanks between them, so that one can be exchanged in peace."""

    mapping: HookMapping
    secret: str


NO_EVENT_HOOKS: Final[Mapping[str, EventHook]] = MappingProxyType({})


@dataclass(frozen=True)
class EventHooks:
    """``hooks``: by source. ``real``: the wall clock, by which senders sign."""

    commits: GroupCommit
    clock: Clock
    hooks: Mapping[str, EventHook]
    real: Callable[[], datetime] = wall_clock

    def routes(self) -> list[Route]:
        return [Route("/hooks/events/{source}", self.hear, methods=["POST"], name="events from elsewhere")]

    async def hear(self, request: Request) -> Response:
        """Stores what the call tells, then answers 200; a call that comes again changes nothing."""
        source: str = request.path_params["source"]
        hook = self.hooks.get(source)
        if hook is None:
            return PlainTextResponse("no signing secret is set for this source, or hooks.yaml does not have it\n", 404)
        try:
            body = await read_body(request.stream(), request.headers.get("content-encoding"), BODY_BYTES)
            call = Call({name.lower(): value for name, value in request.headers.items()}, body, self.real())
            name = identity(call, hook.mapping.hmac, hook.secret)
            told = read_call(source, hook.mapping, body, call.headers, name, self.clock.now())
            if told.records:
                await self.commits.commit(told.records)
        except TooMuchWaiting:
            return refused(f"events/{source}", Unverifiable("too much waits to be stored"))
        except (BodyError, ClientDisconnect, Unsigned, StoreUnavailable) as error:
            return refused(f"events/{source}", error)
        rejected = [each.reason for each in told.records if isinstance(each, Rejected)]
        for reason in rejected:
            log.warning("a webhook was kept aside: %s; see `perennia hooks rejected`", reason)
        content = {"success": True, "passed_over": len(told.passed_over), "rejected": rejected}
        return Response(msgspec.json.encode(content), media_type="application/json")
