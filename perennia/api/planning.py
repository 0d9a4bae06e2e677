"""The plan: what a publish would do to whom, counted over the real states, touching nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from fastapi import APIRouter

from perennia.access.scopes import KeyScope
from perennia.api.needs import needs
from perennia.api.publishing import compile_release, orders_of
from perennia.api.views import PeopleView, PlanBody, PlanView, PlaybookPlanView, RevisionView, StepChangesView
from perennia.clock import Clock
from perennia.core.advance import missing_history
from perennia.core.caps import LedgerMissing
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import CustomerEvent
from perennia.core.documents import Document
from perennia.core.planning import People, Standing, StepChanges, compare_playbooks, foresee
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reach import reach_of
from perennia.core.state import CustomerState
from perennia.store.port import Store
from perennia.store.records import StoredCatalog

PAGE: Final = 200  # states in memory at once; 0.2 s of one core, in a thread


@dataclass(frozen=True)
class Planning:
    store: Store
    clock: Clock

    def router(self) -> APIRouter:
        router = APIRouter(tags=["publishing"])
        router.post("/revisions/plan", dependencies=needs(KeyScope.PLAYBOOKS_READ))(self.plan)
        return router

    async def plan(self, body: PlanBody) -> PlanView:
        """What publishing these documents now would do: definitions that change, and people in flight by what becomes of them."""
        documents = [Document(kind=one.kind, id=one.id, version=one.version, body=one.body) for one in body.documents]
        catalog = compile_release(documents)
        revision = await self.store.current_revision()
        before = None if revision is None else await self.store.catalog(revision.id)
        orders = orders_of(body.modes, catalog, before)
        former = () if before is None else before.current
        people = {book: People() for book in _changed(former, documents)}
        if before is not None:
            await self._foresee(before, documents, orders, people)
        return PlanView(
            revision=None if before is None else RevisionView.model_validate(before.revision),
            playbooks=_playbooks(before, catalog, orders, people),
            others=sorted(f"{kind} {id_}" for kind, id_ in _differing(former, documents) if kind != "playbook"),
            concerned=await self.store.concerned(reach_of(former, documents, orders)),
        )

    async def _foresee(
        self,
        before: StoredCatalog,
        documents: Sequence[Document],
        orders: Sequence[PlaybookOrder],
        people: dict[str, People],
    ) -> None:
        now = self.clock.now()
        catalog = _catalog(before, documents, orders, now)
        after = ""
        while page := await self.store.states_in(tuple(people), after, PAGE):
            standing = [Standing(state, await self._history(catalog, state)) for state in page]
            held = await asyncio.to_thread(_count, catalog, standing, now, people)
            ledgers = [await self.store.counted_messages(each.state.customer, since) for each, since in held]
            judged = [msgspec.structs.replace(each, ledger=one) for (each, _), one in zip(held, ledgers, strict=True)]
            await asyncio.to_thread(_count, catalog, judged, now, people)
            after = page[-1].customer

    async def _history(self, catalog: Catalog, state: CustomerState) -> tuple[CustomerEvent, ...]:
        """What the new catalog counts and the customer's state does not count yet."""
        names = missing_history(catalog, state)
        return await self.store.history(state.customer, names) if names else ()


def _catalog(
    before: StoredCatalog, documents: Sequence[Document], orders: Sequence[PlaybookOrder], now: datetime
) -> Catalog:
    """The catalog as it would be if it were published now."""
    number = before.revision.number + 1
    given = [msgspec.structs.replace(order, number=number, at=now, by="plan") for order in orders]
    known = {(each.kind, each.id, each.version): each for each in before.current}
    current = [
        known.get((each.kind, each.id, each.version)) or msgspec.structs.replace(each, published_at=now)
        for each in documents
    ]
    return compile_catalog("plan", current, (*before.past, *before.current), (*before.orders, *given))


def _count(
    catalog: Catalog, standing: Sequence[Standing], now: datetime, people: dict[str, People]
) -> list[tuple[Standing, datetime]]:
    """Returns those who are not counted yet: caps must be looked at, with what they were sent since then."""
    held: list[tuple[Standing, datetime]] = []
    for each in standing:
        try:
            foresee(catalog, each, now, people)
        except LedgerMissing as missing:
            held.append((each, missing.since))
    return held


def _differing(before: Sequence[Document], after: Sequence[Document]) -> set[tuple[str, str]]:
    old, new = ({(each.kind, each.id, each.version) for each in documents} for documents in (before, after))
    return {(kind, id_) for kind, id_, _ in old ^ new}


def _changed(before: Sequence[Document], after: Sequence[Document]) -> list[str]:
    """Playbooks of which there is another version, also where some are still in a former one of those that stay."""
    named = {id_ for kind, id_ in _differing(before, after) if kind == "playbook"}
    return sorted(named | {each.id for each in (*before, *after) if each.kind == "playbook"})


def _playbooks(
    before: StoredCatalog | None, catalog: Catalog, orders: Sequence[PlaybookOrder], people: dict[str, People]
) -> list[PlaybookPlanView]:
    modes = {order.playbook: order.word for order in orders}
    old = None if before is None else compile_catalog("before", before.current)
    found: list[PlaybookPlanView] = []
    for id_, count in people.items():
        one = None if old is None else old.playbooks.get(id_)
        other = catalog.playbooks.get(id_)
        changes = StepChanges()
        if one is not None and other is not None:
            changes = compare_playbooks(one.definition, other.definition)
        what = "new" if one is None else "removed" if other is None else "changed"
        if one is not None and other is not None and one.version == other.version:
            what = "same"
            if count == People():
                continue
        found.append(
            PlaybookPlanView(
                playbook=id_,
                what=what,
                mode=modes.get(id_, "pin"),
                steps=StepChangesView.model_validate(changes),
                people=PeopleView.model_validate(count),
            )
        )
    return found
