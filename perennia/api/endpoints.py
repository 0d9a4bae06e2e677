"""Endpoints of other systems that are told what happens: added, changed, tested, stopped, replayed; and their logs."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.etags import IfMatch, changed_meanwhile, etag, wanted_version
from perennia.api.forms import Instant
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.views import Order, Text, View, Who
from perennia.clock import Clock
from perennia.core.definition_forms import whole
from perennia.store.outbound_records import Endpoint, EndpointChange, OutboundType
from perennia.store.port import Store

WebUrl = Annotated[
    str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$", max_length=2000, description="Where events are posted")
]
# JSON has a word for it, which is no member yet.
OneType = Annotated[OutboundType, Field(strict=False)]
Types = Annotated[list[OneType], Field(description="Which events; none: all of them")]
Channel = Annotated[
    str, Field(min_length=1, max_length=100, description="The team's channel that hears when the endpoint is disabled")
]
Name = Annotated[str, Field(max_length=100)]


class EndpointView(View):
    """``failing_since``: since then nothing was taken. ``former_until``: until then the former secret signs, too."""

    id: str
    url: str
    name: str
    types: tuple[str, ...]
    tell: str | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_why: str | None
    failing_since: datetime | None
    former_until: datetime | None


class NewEndpointView(View):
    """``secret`` is shown this once: with it the receiver checks signatures."""

    endpoint: EndpointView
    secret: str


class OutboundDeliveryView(View):
    """One line of the log. ``at``: when it happened; ``next_at``: of the next attempt."""

    event: str
    type: str
    at: datetime
    status: Literal["waiting", "delivered", "failed"]
    attempts: int
    last_status: int | None
    last_error: str | None
    next_at: datetime | None
    ended_at: datetime | None


class NewEndpointBody(Order):
    url: WebUrl
    name: Name = ""
    types: Types = Field(default_factory=list[OutboundType])
    tell: Channel | None = None
    by: Who = "api"


class EndpointChangeBody(Order):
    """What is not named stays as it is."""

    url: WebUrl = ""
    name: Name = ""
    types: Types = Field(default_factory=list[OutboundType])
    tell: Channel | None = None
    by: Who = "api"


class EndpointOrderBody(Order):
    by: Who = "api"


class RotateSecretBody(Order):
    """``keep_hours``: how long the former secret signs beside the new one."""

    keep_hours: Annotated[int, Field(ge=0, le=720), whole] = 24
    by: Who = "api"


class ReplayBody(Order):
    """``event``: this one; else all that happened from ``since`` until before ``until`` (now), as far as it is kept: 30 days."""

    event: Text | None = None
    since: Instant | None = None
    until: Instant | None = None
    by: Who = "api"


class Replayed(View):
    """``events``: how many are posted again."""

    events: int


class Tested(View):
    """``event``: its id, by which the log tells what became of it."""

    event: str


@dataclass(frozen=True)
class Endpoints:
    store: Store
    audit: AuditLog
    clock: Clock

    def router(self) -> APIRouter:
        router = APIRouter(tags=["endpoints"], prefix="/endpoints")
        read, write = needs(KeyScope.ENDPOINTS_READ), needs(KeyScope.ENDPOINTS_WRITE)
        router.get("", dependencies=read)(self.endpoints)
        router.post("", status_code=201, dependencies=write)(self.add)
        router.get("/{endpoint_id}", dependencies=read)(self.endpoint)
        router.patch("/{endpoint_id}", dependencies=write)(self.change)
        router.get("/{endpoint_id}/deliveries", dependencies=read)(self.deliveries)
        router.post("/{endpoint_id}/rotate", dependencies=write)(self.rotate)
        router.post("/{endpoint_id}/disable", dependencies=write)(self.disable)
        router.post("/{endpoint_id}/enable", dependencies=write)(self.enable)
        router.post("/{endpoint_id}/test", status_code=202, dependencies=write)(self.test)
        router.post("/{endpoint_id}/replay", status_code=202, dependencies=write)(self.replay)
        return router

    async def endpoints(self, page: Paged) -> list[EndpointView]:
        """All endpoints, by id, disabled ones included."""
        found = await page.of(self.store.endpoints, lambda each: each.id)
        return [EndpointView.model_validate(each) for each in found]

    async def endpoint(self, endpoint_id: str, response: Response) -> EndpointView:
        """One of them."""
        return _view(await self._found(endpoint_id), response)

    async def add(self, body: NewEndpointBody, response: Response) -> NewEndpointView:
        """Adds an endpoint: from here on it is told what happens. Its secret is in the answer and is shown nowhere else."""
        secret = _new_secret()
        endpoint = Endpoint(
            id=f"ep_{secrets.token_hex(6)}",
            url=body.url,
            name=body.name,
            types=_sorted(body.types),
            tell=body.tell,
            created_at=self.clock.now(),
            created_by=body.by,
        )
        await self.audit.write(body.by, "add endpoint", endpoint.id, url=body.url, types=[*endpoint.types])
        await self.store.add_endpoint(endpoint, secret)
        return _shown_once(endpoint, secret, response)

    async def change(
        self, endpoint_id: str, body: EndpointChangeBody, response: Response, if_match: IfMatch = None
    ) -> EndpointView:
        """Changes where events go, or which. With `If-Match` only if it is what you looked at."""
        found, told = await self._found(endpoint_id), body.model_fields_set
        change = EndpointChange(
            url=body.url if "url" in told else found.url,
            name=body.name if "name" in told else found.name,
            types=_sorted(body.types) if "types" in told else found.types,
            tell=body.tell if "tell" in told else found.tell,
            version=wanted_version(if_match),
        )
        await self.audit.write(body.by, "change endpoint", endpoint_id, url=change.url, types=[*change.types])
        changed = await self.store.change_endpoint(endpoint_id, change)
        if changed is None:
            raise changed_meanwhile()
        return _view(changed, response)

    async def rotate(self, endpoint_id: str, body: RotateSecretBody, response: Response) -> NewEndpointView:
        """Gives an endpoint a new secret, shown this once; for a while both sign what it is sent."""
        await self._found(endpoint_id)
        secret, until = _new_secret(), self.clock.now() + timedelta(hours=body.keep_hours)
        await self.audit.write(body.by, "rotate endpoint", endpoint_id, keep_hours=body.keep_hours)
        rotated = await self.store.rotate_endpoint(endpoint_id, secret, until)
        return _shown_once(rotated or await self._found(endpoint_id), secret, response)

    async def disable(self, endpoint_id: str, body: EndpointOrderBody, response: Response) -> EndpointView:
        """Posts nothing more to it, and keeps nothing new for it; what waits, waits on."""
        await self._found(endpoint_id)
        await self.audit.write(body.by, "disable endpoint", endpoint_id)
        disabled = await self.store.disable_endpoint(endpoint_id, f"by {body.by}", self.clock.now())
        return _view(disabled or await self._found(endpoint_id), response)

    async def enable(self, endpoint_id: str, body: EndpointOrderBody, response: Response) -> EndpointView:
        """Tells it again what happens, and now what waits for it."""
        await self._found(endpoint_id)
        await self.audit.write(body.by, "enable endpoint", endpoint_id)
        enabled = await self.store.enable_endpoint(endpoint_id, self.clock.now())
        return _view(enabled or await self._found(endpoint_id), response)

    async def test(self, endpoint_id: str, body: EndpointOrderBody) -> Tested:
        """Has an event of type `endpoint.test` posted to it; its log says what became of that."""
        await self.audit.write(body.by, "test endpoint", endpoint_id)
        event = await self.store.test_endpoint(endpoint_id, self.clock.now())
        if event is None:
            raise _unknown(endpoint_id)
        return Tested(event=event)

    async def replay(self, endpoint_id: str, body: ReplayBody) -> Replayed:
        """Posts again what happened in a span, or one event, also what was kept for others while it was disabled."""
        await self._found(endpoint_id)
        if (body.event is None) == (body.since is None):
            raise Problem(422, "Invalid replay", "Say either which event, or since when.")
        now = self.clock.now()
        await self.audit.write(body.by, "replay endpoint", endpoint_id, event=body.event)
        since, until = body.since or now, body.until or now
        return Replayed(events=await self.store.replay(endpoint_id, since, until, body.event, now))

    async def deliveries(
        self,
        endpoint_id: str,
        page: Paged,
        status: Annotated[Literal["waiting", "delivered", "failed"] | None, Query()] = None,
    ) -> list[OutboundDeliveryView]:
        """What an endpoint was told and is about to be, the last first."""
        await self._found(endpoint_id)
        found = await page.of(
            lambda limit, after: self.store.outbound_log(endpoint_id, limit, after, status), lambda each: each.cursor
        )
        return [OutboundDeliveryView.model_validate(each) for each in found]

    async def _found(self, endpoint_id: str) -> Endpoint:
        endpoint = await self.store.endpoint(endpoint_id)
        if endpoint is None:
            raise _unknown(endpoint_id)
        return endpoint


def _unknown(endpoint_id: str) -> Problem:
    return Problem(404, "Unknown endpoint", f"There is no endpoint {endpoint_id!r}. List them: GET /api/v1/endpoints")


def _new_secret() -> str:
    """As Standard Webhooks writes one: 256 bits."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _sorted(types: Iterable[OutboundType]) -> tuple[str, ...]:
    return tuple(sorted({type_.value for type_ in types}))


def _view(endpoint: Endpoint, response: Response) -> EndpointView:
    response.headers["ETag"] = etag(endpoint.version)
    return EndpointView.model_validate(endpoint)


def _shown_once(endpoint: Endpoint, secret: str, response: Response) -> NewEndpointView:
    response.headers["Cache-Control"] = "no-store"
    return NewEndpointView(endpoint=_view(endpoint, response), secret=secret)
