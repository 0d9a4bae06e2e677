"""What teams look at: customers, why, tasks, messages, totals, the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from perennia.access.scopes import KeyScope
from perennia.api.consents import consent_views
from perennia.api.ledger_views import DeliveryView, MessageView, delivery_view, message_view
from perennia.api.needs import needs
from perennia.api.paging import Page, Paged
from perennia.api.published import Published
from perennia.api.views import (
    ApprovalView,
    AuditView,
    CustomerDetail,
    CustomerPage,
    CustomerView,
    Decisions,
    StoryLine,
    TotalsView,
    decision_view,
    plain,
)
from perennia.clock import Clock
from perennia.core.calendar import find_zone
from perennia.core.definitions import Scope
from perennia.core.facts import zones_told
from perennia.store.cursors import cursor_of
from perennia.store.port import Store
from perennia.why.outlook import outlook
from perennia.why.story import tell

Limit = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True)
class Reading:
    store: Store
    published: Published
    clock: Clock

    def router(self) -> APIRouter:
        router = APIRouter(tags=["reading"])
        get = router.get
        customers, messages = needs(KeyScope.CUSTOMERS_READ), needs(KeyScope.MESSAGES_READ)
        tasks = needs(KeyScope.TASKS_READ)
        get("/customers", dependencies=customers)(self.customers)
        get("/customers/{reference:path}/why", dependencies=customers)(self.why)
        get("/customers/{reference:path}/messages", dependencies=messages)(self.messages_of)
        get("/customers/{reference:path}", dependencies=customers)(self.customer)
        get("/approvals", dependencies=tasks)(self.approvals)
        get("/messages", dependencies=messages)(self.messages)
        get("/deliveries", dependencies=messages)(self.deliveries)
        get("/totals", dependencies=customers)(self.totals)
        get("/audit", dependencies=needs(KeyScope.AUDIT_READ))(self.audit)
        return router

    async def customers(self, limit: Limit = 100, after: str | None = None) -> CustomerPage:
        """All customers, a page at a time."""
        found = [CustomerView.model_validate(one) for one in await self.store.customers(limit + 1, after)]
        page = found[:limit]
        return CustomerPage(customers=page, next=page[-1].id if len(found) > limit else None)

    async def customer(self, reference: str, kind: Scope | None = None) -> CustomerDetail:
        """One customer, by the sender's id or by ours."""
        summary, state = await self.store.customer(await self.store.find(reference, kind))
        policies = await self.published.policies()
        zone, _unknown = find_zone(*(() if state is None else zones_told(state.facts)), policies.timezone)
        closed = await self._suppressed(summary.email)
        said = (
            await consent_views(self.store, self.published, self.clock, summary.id) if summary.kind == "contact" else []
        )
        return CustomerDetail(
            customer=CustomerView.model_validate(summary),
            state=plain(state),
            timezone=zone.key,
            consents=said,
            suppressed=closed,
        )

    async def _suppressed(self, email: str | None) -> str | None:
        """Why nothing may be sent to the address, None where it may."""
        found = None if email is None else await self.store.suppression(email)
        return None if found is None else found.reason

    async def why(
        self,
        reference: str,
        kind: Scope | None = None,
        playbook: str | None = None,
        step: str | None = None,
        limit: Limit = 1000,
    ) -> Decisions:
        """What was decided for a customer and on which values, also what did not happen and why not."""
        customer = await self.store.find(reference, kind)
        rows = await self.store.journal(customer, limit, playbook, step)
        summary, state = await self.store.customer(customer)
        policies = await self.published.policies()
        zone, _unknown = find_zone(*(() if state is None else zones_told(state.facts)), policies.timezone)
        story = tell(summary.external_id, (row.entry for row in rows), zone)
        catalog = await self.published.catalog() if playbook is not None else None
        return Decisions(
            customer=customer,
            decisions=[decision_view(row) for row in rows],
            timezone=zone.key,
            lines=[StoryLine.model_validate(line) for line in story.lines],
            outlook=[] if catalog is None or playbook is None else list(outlook(catalog, state, playbook, zone)),
        )

    async def messages_of(self, reference: str, page: Paged, kind: Scope | None = None) -> list[MessageView]:
        """A customer's messages, those that were not sent included; with each try, and what came back."""
        customer = await self.store.find(reference, kind)
        return await self._messages(customer, page)

    async def approvals(
        self,
        page: Paged,
        customer: str | None = None,
        status: Literal["open", "approved", "denied", "timed_out", "cancelled"] | None = None,
    ) -> list[ApprovalView]:
        """What people are asked, or were: everybody's, or about one customer."""
        found = None if customer is None else await self.store.find(customer)
        rows = await page.of(
            lambda limit, after: self.store.approvals(found, status, limit, after),
            lambda one: cursor_of(one.opened_at, one.key),
        )
        return [ApprovalView.model_validate(one) for one in rows]

    async def deliveries(self, page: Paged, customer: str | None = None) -> list[DeliveryView]:
        """What other systems were told: the CRM, webhooks, channels of the team; with each try."""
        found = None if customer is None else await self.store.find(customer)
        rows = await page.of(
            lambda limit, after: self.store.deliveries(found, limit, after),
            lambda one: cursor_of(one.released_at, one.key),
        )
        tries = await self.store.attempts([one.key for one in rows])
        return [delivery_view(one, tries.get(one.key, ())) for one in rows]

    async def messages(self, page: Paged) -> list[MessageView]:
        """Everybody's messages; with each try, and what came back."""
        return await self._messages(None, page)

    async def _messages(self, customer: str | None, page: Page) -> list[MessageView]:
        found = await page.of(
            lambda limit, after: self.store.messages(customer, limit, after),
            lambda one: cursor_of(one.released_at, one.key),
        )
        keys = [one.key for one in found]
        tries, told = await self.store.attempts(keys), await self.store.reports_on(keys)
        return [message_view(one, tries.get(one.key, ()), told.get(one.key, ())) for one in found]

    async def totals(self) -> TotalsView:
        """What a dashboard counts."""
        return TotalsView.model_validate(await self.store.totals())

    async def audit(self, page: Paged) -> list[AuditView]:
        """Who did what through this API, newest first."""
        found = await page.of_numbered(self.store.audited, lambda entry: entry.number)
        return [AuditView.model_validate(entry) for entry in found]
