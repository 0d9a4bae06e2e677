"""What experiments came to: of a playbook, and of a broadcast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Query

from perennia.access.scopes import KeyScope
from perennia.api.forms import Instant
from perennia.api.named_broadcast import named_broadcast
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.published import Published
from perennia.api.publishing import nearest
from perennia.api.views import View
from perennia.clock import Clock
from perennia.core.broadcasts import Broadcast, book_of
from perennia.core.compiled import playbook_in
from perennia.core.definition_forms import Percentage, part_of_one
from perennia.core.definitions import Playbook
from perennia.core.documents import PlaybookBody
from perennia.core.trials import USUAL_WITHIN
from perennia.experiments.reporting import STOPPING_RULE, Comparison, compare, goal_of, is_same, plans_of
from perennia.store.port import Store

Since = Annotated[Instant | None, Query(description="Only who entered at this instant or later")]
Effect = Annotated[
    Percentage, Query(description="What growth of the baseline is to be seen: for the customers that it takes")
]
USUAL_EFFECT = "20%"


class IntervalView(View):
    low: float
    high: float


class LiftView(IntervalView):
    """A part of the baseline's rate: 0.2 is a fifth more."""

    value: float


class SideView(View):
    """``rate`` of conversions within ``low`` and ``high``, at 95 %. ``open``: who may still reach the goal.

    Against the baseline: ``difference`` in rates, ``lift``, and ``always_valid``: the difference by the stopping rule.
    """

    name: str
    share: float
    customers: int
    converted: int
    open: int
    rate: float | None
    low: float
    high: float
    difference: IntervalView | None
    lift: LiftView | None
    always_valid: IntervalView | None


class ComparisonView(View):
    """``of``: ``holdout``, or the step of a split. ``sound``: the numbers on the sides may be chance (``mismatch``: how likely).

    ``winner``: better than every other side beyond doubt, however often one looked. ``needed``: customers on each side.
    """

    of: str
    baseline: str
    sides: list[SideView]
    mismatch: float
    sound: bool
    winner: str | None
    needed: dict[str, int] | None


class ExperimentView(View):
    """``within``: how long from an entry on a goal counts. ``since``: when the first who is counted entered."""

    playbook: str
    goal: str
    within: str
    since: datetime | None
    effect: float
    stopping_rule: str
    comparisons: list[ComparisonView]


class _Version(NamedTuple):
    """``began``: when the first who is compared in it entered."""

    id: str
    playbook: Playbook
    began: datetime


def _written(body: str) -> Playbook:
    return playbook_in(msgspec.json.decode(body, type=PlaybookBody))


@dataclass(frozen=True)
class Experiments:
    store: Store
    published: Published
    clock: Clock

    def router(self) -> APIRouter:
        router = APIRouter(tags=["experiments"])
        router.get("/playbooks/{playbook}/experiments", dependencies=needs(KeyScope.PLAYBOOKS_READ))(self.of_playbook)
        router.get("/broadcasts/{name}/report", dependencies=needs(KeyScope.BROADCASTS_READ))(self.of_broadcast)
        return router

    async def of_playbook(self, playbook: str, effect: Effect = USUAL_EFFECT, since: Since = None) -> ExperimentView:
        """Conversions to the playbook's goal: whoever is held out against the others, and the variants of each split.

        Of each customer the first entry counts, from when the comparison was first published as it is now.
        """
        catalog = await self.published.catalog()
        current = None if catalog is None else catalog.playbooks.get(playbook)
        books = await self._books(playbook)
        if current is None and not books:
            known = () if catalog is None else catalog.playbooks
            raise Problem(404, "Unknown playbook", f"No playbook {playbook!r} is published{nearest(playbook, known)}")
        meant = books[0].playbook if current is None else current.definition
        return await self._report(playbook, meant, books, effect, since)

    async def of_broadcast(self, name: str, effect: Effect = USUAL_EFFECT, since: Since = None) -> ExperimentView:
        """Conversions to the broadcast's goal: of its variants, and of those who got it against those who were held out."""
        stored = await named_broadcast(self.store, name)
        if stored.version is None:
            return await self.of_playbook(stored.book, effect, since or stored.starts_at)
        books = await self._books(stored.book)
        # Which version of the template it sends decides nothing here.
        made_of = book_of(Broadcast.model_validate_json(stored.body))
        return await self._report(stored.book, _written(made_of.body), books, effect, since)

    async def _books(self, playbook: str) -> list[_Version]:
        """Those in which somebody was compared, the last begun first."""
        found = await self.store.trial_versions(playbook)
        return [_Version(each.version, _written(each.body), each.began) for each in found]

    async def _report(
        self,
        name: str,
        meant: Playbook,
        books: list[_Version],
        effect: str,
        since: datetime | None,
    ) -> ExperimentView:
        plans = plans_of(meant)
        if not plans:
            detail = f"{name!r} compares nothing: it needs a `goal`, and a `holdout` or a `split`."
            raise Problem(404, "No experiment", detail)
        part = part_of_one(effect)
        began: list[datetime] = []
        comparisons: list[Comparison] = []
        for plan in plans:
            counted = [each for each in books if is_same(plan, each.playbook, meant)]
            began += [each.began for each in counted]
            versions = [each.id for each in counted]
            counts = await self.store.trial_counts(meant.playbook, versions, self.clock.now(), since)
            comparisons.append(compare(plan, counts, part))
        first = min(began, default=None)
        return ExperimentView(
            playbook=name,
            goal=goal_of(meant),
            within=(meant.goal and meant.goal.within) or USUAL_WITHIN,
            since=first if since is None or first is None else max(since, first),
            effect=part,
            stopping_rule=STOPPING_RULE,
            comparisons=[ComparisonView.model_validate(each) for each in comparisons],
        )
