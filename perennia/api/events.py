"""One event without an SDK: for scripts, webhooks of no-code tools, and people."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from fastapi import APIRouter
from pydantic import Field

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.forms import Instant
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.repeats import REQUEST
from perennia.api.views import Order, Text, View, Who
from perennia.clock import Clock
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.definitions import Scope
from perennia.core.json_values import JsonObject
from perennia.core.tame_json import tame_object
from perennia.ingest.event_times import event_time
from perennia.ingest.group_commit import GroupCommit, TooMuchWaiting
from perennia.ingest.segment import Record
from perennia.store.port import StoreUnavailable
from perennia.store.records import Accepted


class EventBody(Order):
    """One event, without an SDK. ``customer`` is the sender's id; whoever is unknown is made."""

    customer: Text
    kind: Scope = "contact"
    event: Text
    properties: JsonObject = Field(default_factory=dict)
    traits: JsonObject = Field(default_factory=dict)
    timestamp: Instant | None = None
    message_id: Text | None = None
    by: Who = "api"


class EventAnswer(View):
    message_id: str


@dataclass(frozen=True)
class Events:
    commits: GroupCommit
    clock: Clock
    audit: AuditLog

    def router(self) -> APIRouter:
        router = APIRouter(tags=["events"])
        router.post("/events", dependencies=needs(KeyScope.EVENTS_WRITE))(self.accept)
        return router

    async def accept(self, body: EventBody) -> EventAnswer:
        """Accepts one event, and traits that came with it, for good. The same ``message_id`` again has no effect."""
        message_id = body.message_id or REQUEST.get() or uuid4().hex
        try:
            records = self._records(body, message_id)
        except (ValueError, OverflowError) as error:
            raise Problem(422, "Invalid event", f"The event is {error}.") from error
        await self.audit.write(body.by, "event", body.customer, event=body.event, message_id=message_id)
        try:
            await self.commits.commit(records)
        except TooMuchWaiting as error:
            raise StoreUnavailable(str(error)) from error
        return EventAnswer(message_id=message_id)

    def _records(self, body: EventBody, message_id: str) -> list[Record]:
        now = self.clock.now()
        event = CustomerEvent(
            at=now,
            name=body.event,
            properties=tame_object(body.properties),
            timestamp=event_time(body.timestamp, None, now),
        )
        records: list[Record] = []
        if body.traits:
            traits = TraitsChanged(at=now, traits=tame_object(body.traits))
            records.append(self._accepted(body, f"{message_id}#traits", traits))
        return [*records, self._accepted(body, message_id, event)]

    def _accepted(self, body: EventBody, message_id: str, content: CustomerEvent | TraitsChanged) -> Accepted:
        return Accepted(message_id=message_id, kind=body.kind, external_id=body.customer, input=content)
