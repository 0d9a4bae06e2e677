"""Trying a broadcast before it begins: what would become of everybody, and the message itself, to colleagues."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final, Protocol

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.named_broadcast import named_broadcast
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.views import Order, View, Who
from perennia.audience_pages import PAGE, Looking, look_at
from perennia.clock import Clock
from perennia.core.admission import ANY_TIME
from perennia.core.audiences import Look, Seen
from perennia.core.broadcasts import SPLIT, Broadcast, book_of, order_of
from perennia.core.compiled import Rehearsal
from perennia.core.decisions import SendEmail
from perennia.core.fates import Fate, fates, prepared
from perennia.core.json_values import JsonObject
from perennia.core.state import PastEnrollments, Recipient
from perennia.core.tracking import TRAIT
from perennia.store.port import Store, UnknownCustomer

MOST_LOOKED_AT: Final = 20 * PAGE  # customers a request: a second of one core
MOST_COLLEAGUES: Final = 20
# Nobody is called so: what its links would change, they change for nobody.
NOBODY: Final = "test-send"

After = Annotated[str, Query(description="Ask on behind it, until `next` is null, and add up")]
Address = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^@\s,]+@[^@\s,]+$")]


class FateView(View):
    """``what``: sent, waits, held, skipped, failed, refused, left_out or holdout. ``why``: the reason code, if any."""

    what: str
    why: str
    count: int


class PreviewView(View):
    """Of the customers that were ``looked`` at, ``audience`` belong to it. ``next``: ask for ``after`` it; None: that was all."""

    looked: int
    audience: int
    fates: list[FateView]
    next: str | None


class TestSendBody(Order):
    """``to``: colleagues' addresses; ``customer``: as whom it is written, else the first of the audience."""

    by: Who
    to: Annotated[list[Address], Field(min_length=1, max_length=MOST_COLLEAGUES)]
    customer: str | None = None


class TestSentView(View):
    """``variant``: its step. ``error``: why it did not leave."""

    to: str
    variant: str
    template: str
    error: str | None


class TryingOut(Protocol):
    """Whoever hands messages to the provider (`activities.trying_out`)."""

    async def send(self, customer: str, effect: SendEmail, to: str) -> str | None:
        """Marked as a test, and written down nowhere. Returns why it did not leave, None where it did."""
        ...


class _Nobody:
    """An API that knows no provider."""

    async def send(self, customer: str, effect: SendEmail, to: str) -> str | None:
        return f"this server sends nothing: no test of {effect.template} left for {to} ({customer})"


NOBODY_TRYING: Final = _Nobody()


@dataclass(frozen=True)
class BroadcastTrying:
    store: Store
    clock: Clock
    audit: AuditLog
    trying: TryingOut

    def router(self) -> APIRouter:
        router = APIRouter(tags=["broadcasts"])
        router.get("/broadcasts/{name}/preview", dependencies=needs(KeyScope.BROADCASTS_READ))(self.preview)
        router.post("/broadcasts/{name}/test", dependencies=needs(KeyScope.BROADCASTS_WRITE))(self.test)
        return router

    async def preview(self, name: str, after: After = "") -> PreviewView:
        """What would become of the next part of the audience if it began now, exactly. Changes nothing."""
        broadcast = await self._must_have(name)
        look = await self._look(broadcast)
        looking = Looking(self.store, look, permissions=True)
        version = None if broadcast.playbook is not None else book_of(broadcast).version
        looked, found, last = 0, Counter[Fate](), after
        while looked < MOST_LOOKED_AT:
            page = await looking.page(last)
            looked += page.looked
            found += await asyncio.to_thread(fates, look, broadcast, version, page.members)
            last = page.last or ""
            if page.last is None:
                break
        counts = [FateView(what=fate.what, why=fate.why, count=count) for fate, count in found.most_common()]
        return PreviewView(looked=looked, audience=found.total(), fates=counts, next=last or None)

    async def test(self, name: str, body: TestSendBody) -> list[TestSentView]:
        """Sends each of its messages to colleagues now, marked as a test. Nobody's caps, consents or reports know of it."""
        broadcast = await self._must_have(name)
        if broadcast.playbook is not None:
            raise Problem(
                409, "No message of its own", f"{name!r} enters a playbook; `perennia preview` shows its messages."
            )
        look = await self._look(broadcast)
        seen = await self._sample(Looking(self.store, look), body.customer)
        await self.audit.write(body.by, "test broadcast", name)
        sent: list[TestSentView] = []
        templates = await self.store.broadcast_templates(name)
        for step, effect in _messages(look, broadcast, seen, templates).items():
            for to in body.to:
                error = await self.trying.send(NOBODY, effect, to)
                sent.append(TestSentView(to=to, variant=step, template=effect.template, error=error))
        if not sent:
            detail = f"{name!r} has no message for {seen.candidate.ref!r}; name somebody else as `customer`."
            raise Problem(409, "No message", detail)
        return sent

    async def _must_have(self, name: str) -> Broadcast:
        return Broadcast.model_validate_json((await named_broadcast(self.store, name)).body)

    async def _look(self, broadcast: Broadcast) -> Look:
        look = await look_at(self.store, broadcast.asked, self.clock.now())
        return prepared(look, None if broadcast.playbook is not None else book_of(broadcast))

    async def _sample(self, looking: Looking, customer: str | None) -> Seen:
        if customer is not None:
            try:
                seen = await looking.one(await self.store.find(customer, "contact"))
            except UnknownCustomer as error:
                raise Problem(404, "Unknown customer", str(error)) from error
            if seen is not None:
                return seen
        page = await looking.page()
        if not page.members:
            detail = "Nobody of those looked at first is in the audience; name somebody as `customer`."
            raise Problem(409, "Nobody to write as", detail)
        return page.members[0]


def _messages(look: Look, broadcast: Broadcast, seen: Seen, templates: Mapping[str, str]) -> Mapping[str, SendEmail]:
    """By step each message as the customer would get it, at any time of the day, whatever they were sent and have said."""
    at_once = broadcast.model_copy(update={"zone": "workspace", "at": None, "holdout": None})
    book = book_of(at_once, templates)
    enrollments = [each for each in seen.state.enrollments if each.playbook != broadcast.book]
    past = {id_: each for id_, each in seen.state.past.items() if id_ != broadcast.book}
    fresh = msgspec.structs.replace(
        seen.state, enrollments=enrollments, past={**past, broadcast.book: PastEnrollments()}
    )
    topics = dict.fromkeys(look.catalog.policies.topics, True)
    reached = replace(seen, state=fresh, recipient=Recipient(address="colleague@example.com", consents=topics))
    order = msgspec.structs.replace(order_of(at_once, book.version, look.now), by_person=True)
    found: dict[str, SendEmail] = {}
    for step in broadcast.emails:
        rehearsed = prepared(look, book)
        catalog = replace(rehearsed.catalog, timing=ANY_TIME, rehearsal=Rehearsal({SPLIT: step}, holdouts=False))
        decision = replace(rehearsed, catalog=catalog).enrolled(reached, order)
        for effect in decision.effects:
            if isinstance(effect, SendEmail) and effect.playbook == broadcast.book:
                found[step] = msgspec.structs.replace(effect, context=_untracked(effect))
    return found


def _untracked(effect: SendEmail) -> JsonObject:
    contact = effect.context.get("contact")
    return {**effect.context, "contact": {**(contact if isinstance(contact, dict) else {}), TRAIT: False}}
