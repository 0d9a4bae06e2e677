"""A backtest's figures: what drafts would have done for many customers, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from perennia.core.decisions import Act, JournalEntry, Outcome
from perennia.core.lives import Household
from perennia.simulate.reliving import Draft, relive


@dataclass
class Figures:
    """Of one draft. Days are the workspace's, as ``YYYY-MM-DD``.

    ``sent``: by verb (``email``, ``task`` ...) how many on each day; ``by_step``: how many by ``PLAYBOOK/STEP``;
    ``refused``, ``held``, ``skipped`` by reason code; ``ended`` by exit reason; ``goals``: all that were reached,
    ``conversions``: those in time to count. ``entrants``: customers who entered; ``alone``: those of them whom no other
    draft of the same backtest lets in.
    """

    customers: int = 0
    entrants: int = 0
    alone: int = 0
    goals: int = 0
    conversions: int = 0
    entered: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    sent: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    by_step: Counter[str] = field(default_factory=Counter[str])
    held: Counter[str] = field(default_factory=Counter[str])
    skipped: Counter[str] = field(default_factory=Counter[str])
    ended: Counter[str] = field(default_factory=Counter[str])

    @property
    def load(self) -> Counter[str]:
        """Everything that leaves, by day."""
        return sum(self.sent.values(), Counter[str]())

    def add(self, other: Figures) -> None:
        self.customers += other.customers
        self.entrants += other.entrants
        self.alone += other.alone
        self.goals += other.goals
        self.conversions += other.conversions
        for name in ("entered", "refused", "by_step", "held", "skipped", "ended"):
            getattr(self, name).update(getattr(other, name))
        for verb, days in other.sent.items():
            self.sent.setdefault(verb, Counter()).update(days)


def reckon(drafts: Sequence[Draft], households: Iterable[Household]) -> list[Figures]:
    """What each draft would have done for these customers."""
    counts = [_Count(draft) for draft in drafts]
    for household in households:
        for count in counts:
            count.count(household)
    for count in counts:
        others = frozenset[str]().union(*(other.entrants for other in counts if other is not count))
        count.figures.entrants = len(count.entrants)
        count.figures.alone = len(count.entrants - others)
    return [count.figures for count in counts]


class _Count:
    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._zone = ZoneInfo(draft.catalog.policies.timezone)
        self.figures = Figures()
        self.entrants: set[str] = set()
        # What left last for a step of an enrollment: verb and day, no day where it left with others that count for it.
        self._left: dict[tuple[str, str | None, str | None], tuple[str, str | None]] = {}
        self._digests: set[str] = set()

    def count(self, household: Household) -> None:
        self.figures.customers += len(household)
        for state, entry in relive(self._draft, household).chronicle:
            if entry.playbook in self._draft.catalog.playbooks:
                self._count(state.customer, entry)
        self._left.clear()
        self._digests.clear()

    def _count(self, customer: str, entry: JournalEntry) -> None:
        figures, day = self.figures, entry.at.astimezone(self._zone).date().isoformat()
        reason = str(entry.reason or entry.code)
        match entry.act:
            case Act.RELEASED:
                self._sent(customer, entry, day)
            case Act.HELD:
                self._take_back(customer, entry)
                figures.held[reason] += 1
            case Act.STEP_ENDED if entry.code in (Outcome.SKIPPED, Outcome.FAILED):
                self._take_back(customer, entry)
                figures.skipped[reason] += 1
            case Act.STEP_ENDED:
                self._left.pop((customer, entry.enrollment, entry.step), None)
            case _ if entry.playbook != self._draft.playbook:
                pass  # who comes into the playbooks that it names is not the question
            case Act.ENTERED:
                figures.entered[day] += 1
                self.entrants.add(customer)
            case Act.REFUSED:
                figures.refused[reason] += 1
            case Act.GOAL:
                figures.goals += 1
                figures.conversions += entry.detail.get("conversion") is True
            case Act.ENDED:
                figures.ended[entry.code] += 1
            case _:
                pass

    def _sent(self, customer: str, entry: JournalEntry, day: str) -> None:
        digest = entry.detail.get("digest")
        counts = not isinstance(digest, str) or digest not in self._digests
        if isinstance(digest, str):
            self._digests.add(digest)
        if counts:
            self.figures.sent.setdefault(entry.code, Counter())[day] += 1
        self.figures.by_step[f"{entry.playbook}/{entry.step}"] += 1
        self._left[customer, entry.enrollment, entry.step] = (entry.code, day if counts else None)

    def _take_back(self, customer: str, entry: JournalEntry) -> None:
        """What was released and did not leave after all."""
        left = self._left.pop((customer, entry.enrollment, entry.step), None)
        if left is not None:
            verb, day = left
            if day is not None:
                self.figures.sent[verb][day] -= 1
            self.figures.by_step[f"{entry.playbook}/{entry.step}"] -= 1
