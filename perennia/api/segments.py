"""Segments: which are published, how many belong to one right now, who, and why somebody does or does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query

from perennia.access.scopes import KeyScope
from perennia.api.needs import needs
from perennia.api.published import Published, unknown_segment
from perennia.api.views import View
from perennia.audience_pages import PAGE, Looking, look_at
from perennia.clock import Clock
from perennia.core.audiences import Asked, Look, Seen, UnknownSegment
from perennia.core.definitions import Scope
from perennia.store.port import Store, UnknownCustomer
from perennia.why.evidence import evidence_line

REACHED: Final = "reached"
MOST_LOOKED_AT: Final = 20 * PAGE  # customers a request: half a second of one core

Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many members")]
Topic = Annotated[str | None, Query(description="Who of them a message of this topic could reach now")]


class SegmentView(View):
    """``when``: the condition whose truth makes somebody a member."""

    segment: str
    name: str | None
    scope: Scope
    when: str


class SegmentSize(View):
    """``reached``: how many could be written to now; ``left_out``: the others, by reason code."""

    segment: str
    members: int
    reached: int
    left_out: dict[str, int]


class SegmentMemberView(View):
    id: str
    external_id: str
    account: str | None
    email: str | None


class MemberPage(View):
    """``next``: ask for ``after`` it; a page may have few members, or none, and others follow. None: that was everybody."""

    members: list[SegmentMemberView]
    next: str | None


class Membership(View):
    """``because``: what each part of the condition saw."""

    customer: str
    segment: str
    member: bool
    because: list[str]


@dataclass(frozen=True)
class Segments:
    store: Store
    published: Published
    clock: Clock

    def router(self) -> APIRouter:
        router = APIRouter(tags=["segments"], dependencies=needs(KeyScope.CUSTOMERS_READ))
        router.get("/segments")(self.segments)
        router.get("/segments/{segment}/size")(self.size)
        router.get("/segments/{segment}/members")(self.members)
        router.get("/customers/{reference:path}/segments/{segment}")(self.membership)
        return router

    async def segments(self) -> list[SegmentView]:
        """The published segments."""
        return [SegmentView.model_validate(each) for each in (await self.published.segments()).values()]

    async def size(self, segment: str, topic: Topic = None) -> SegmentSize:
        """How many belong to it now, and how many of them could be written to. Looks at everybody: seconds for many."""
        looking = Looking(self.store, await self._look(segment), permissions=True)
        if topic is not None:
            await self.published.must_have_topic(topic)
        counted: Counter[str] = Counter()
        after: str | None = ""
        while after is not None:
            page = await looking.page(after)
            counted.update(looking.look.left_out(seen, topic) or REACHED for seen in page.members)
            after = page.last
        members, reached = counted.total(), counted.pop(REACHED, 0)
        return SegmentSize(segment=segment, members=members, reached=reached, left_out=dict(sorted(counted.items())))

    async def members(self, segment: str, limit: Limit = 100, after: str | None = None) -> MemberPage:
        """Who belongs to it now, a page at a time."""
        looking = Looking(self.store, await self._look(segment))
        found: list[Seen] = []
        last: str | None = after or ""
        looked = 0
        while last is not None and looked < MOST_LOOKED_AT and len(found) < limit:
            page = await looking.page(last)
            found += page.members
            looked += page.looked
            last = page.last
        shown = found[:limit]
        return MemberPage(
            members=[
                SegmentMemberView(
                    id=seen.candidate.id,
                    external_id=seen.candidate.ref,
                    account=seen.candidate.account,
                    email=seen.address,
                )
                for seen in shown
            ],
            next=last if len(found) <= limit else shown[-1].candidate.id,
        )

    async def membership(self, reference: str, segment: str) -> Membership:
        """Whether a customer belongs to it now, and why."""
        look = await self._look(segment)
        customer = await self.store.find(reference, look.audience.scope)
        seen = await Looking(self.store, look).one(customer)
        if seen is None:
            raise UnknownCustomer(f"nobody {reference!r} any more: erased, or merged into another")
        is_member, evidence = look.explain(seen)
        zone = seen.run.calendar.zone
        because = [evidence_line(each, zone) for each in evidence]
        return Membership(customer=seen.candidate.ref, segment=segment, member=is_member, because=because)

    async def _look(self, segment: str) -> Look:
        try:
            return await look_at(self.store, Asked(segments=(segment,)), self.clock.now())
        except UnknownSegment as error:
            raise unknown_segment(error) from None
