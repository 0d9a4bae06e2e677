"""One run of `advance` under way: the state it may change, the instant it stands at, and what it decided so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from perennia.core.account_news import account_as_told
from perennia.core.calendar import find_zone
from perennia.core.caps import Ledger
from perennia.core.compiled import Catalog
from perennia.core.decisions import (
    Act,
    CustomerEvent,
    Effect,
    ErrandCancelled,
    ErrandEnded,
    Evidence,
    Input,
    JournalEntry,
    Reason,
    SendEmail,
    Telling,
)
from perennia.core.expressions import Expression, Verdict, View
from perennia.core.facts import absorb, set_traits, zones_told
from perennia.core.json_values import Json, JsonObject
from perennia.core.message_parts import DigestItem
from perennia.core.nodes import CompiledPlaybook
from perennia.core.state import CustomerState, Enrollment, Recipient, Trial, Watch

ZONE_TRAIT = "trait:timezone"
# Consent and suppression: they are no inputs, but where this is watched, the store rings when one is withdrawn.
PERMISSION = "permission"
# What every expression must look at again: spans and windows are read in another zone.
ZONE_CHANGED = "zone"
# Results of the enrollment's own steps.
OWN_STEPS = "steps"


def watched(expression: Expression, verdict: Verdict) -> frozenset[str]:
    """The tokens of everything that could change the verdict, results of the enrollment's own steps included."""
    reads_steps = any(path.startswith("steps.") for path in expression.reads)
    return verdict.watching | {OWN_STEPS} if reads_steps else verdict.watching


class Look(NamedTuple):
    """``first``: nothing was known before. ``flipped``: what was known before is no longer so."""

    holds: bool
    flipped: bool
    first: bool


# What most looks come to: nothing that the condition depends on changed.
STILL_HOLDS = Look(holds=True, flipped=False, first=False)
STILL_FAILS = Look(holds=False, flipped=False, first=False)


class Survey(NamedTuple):
    """What all watches of a state come to: the tokens they name, and the first instant that any of them waits for."""

    tokens: frozenset[str]
    due: datetime | None


class Deliberation:
    """``state`` may be changed: tallies through `count`, anything else after `own`; the given one stays as it is.

    ``timed``: what time alone makes due at ``instant`` counts, too (language, section 6.2). ``unlooked``: nobody has looked
    at what the state has not been decided with.
    """

    def __init__(self, catalog: Catalog, state: CustomerState, recipients: Mapping[str, Recipient]) -> None:
        self.catalog = catalog
        facts = msgspec.structs.replace(state.facts, tallies=dict(state.facts.tallies))
        self.state = msgspec.structs.replace(state, facts=facts)
        self.recipients = recipients
        known = recipients.get(state.customer)
        # The customer's own, as far as anybody has read it.
        self.ledger = None if known is None or known.ledger is None else Ledger(known.ledger)
        # What was ordered for everybody in a playbook and is not carried out yet.
        self.orders = catalog.orders_after(state.obeyed)
        self.unlooked = False
        self.instant = state.now
        self.timed = False
        self.effects: list[Effect] = []
        self.withdrawn: list[str] = []
        self.journal: list[JournalEntry] = []
        self.account_changed = False
        # Enrollments that entered or went on in this round.
        self.movers: set[str] = set()
        # Stages entered, and enrollments ended, that no entry trigger has looked at yet.
        self.moves: list[tuple[str, str]] = []
        self.ends: list[tuple[str, str]] = []
        # Events that steps emitted and nobody has heard yet.
        self.emitted: list[CustomerEvent] = []
        # Those that were heard, and what other customers must be told.
        self.heard: list[CustomerEvent] = []
        self.tellings: list[Telling] = []
        # How the enrollments that are compared stand, by id, where something of it changed.
        self.trials: dict[str, Trial] = {}
        self._tokens: list[str] = []
        self._seen: dict[str, int] = {}
        # What expressions see of the customer, until something changes.
        self._names: Mapping[str, Mapping[str, Json]] | None = None
        self._stages: Mapping[str, tuple[str, datetime]] = {}
        self._survey: Survey | None = None
        self._owned = False
        self.read_zone()

    # --- what may be changed ----------------------------------------------------------------------------------------

    def own(self) -> None:
        """To be called before anything but a tally changes. Copies at the first call: most events change nothing else."""
        self._survey = None
        if not self._owned:
            self._owned = True
            self.state = self.state.copied()

    def count(self, event: CustomerEvent) -> frozenset[str]:
        """Counts the event, in copies of the tallies that it changes. Returns what `absorb` does."""
        tallies = self.state.facts.tallies
        if not self._owned:
            for need in self.catalog.needs.by_event.get(event.name, ()):
                shared = tallies.get(need.key)
                if shared is not None:
                    tallies[need.key] = msgspec.structs.replace(shared, recent=list(shared.recent))
        return absorb(self.state.facts, event, self.catalog.needs, self.calendar)

    def concerns(self, event: CustomerEvent) -> bool:
        """Whether more can come of this event than being counted: an entry, the end of a wait, a change of what is watched."""
        if self.unlooked or self.catalog.started_by(event.name) or f"event:{event.name}" in self.survey().tokens:
            return True
        if event.name not in self.catalog.awaited_events:
            return False
        books = map(self.book_of, self.state.enrollments)
        if any(event.name in book.event_tests or event.name in book.rule_events for book in books):
            return True
        return any(event.name == book.goal_event for _, book in self.observed())

    # --- what changed -----------------------------------------------------------------------------------------------

    def changed(self, tokens: Iterable[str]) -> None:
        self._tokens.extend(tokens)
        self._names = None

    def news(self, phase: str) -> tuple[str, ...]:
        """The tokens that changed since ``phase`` asked last."""
        start = self._seen.get(phase, 0)
        self._seen[phase] = len(self._tokens)
        return tuple(self._tokens[start:])

    def take_traits(self, changes: JsonObject) -> None:
        """Sets traits, and reads the customer's zone again where it is among them."""
        tokens = set_traits(self.state.facts, changes)
        self.account_changed |= bool(tokens) and self.state.kind == "account"
        self.changed(tokens)
        if ZONE_TRAIT in tokens:
            self.move_zone()

    def move_zone(self) -> None:
        """Everything that reads a wall clock is looked at again, in the zone as it is now."""
        self.read_zone()
        self.changed([ZONE_CHANGED])
        unknown = find_zone(*zones_told(self.state.facts))[1]
        if unknown is not None:
            self.note(Act.IGNORED, "timezone", reason=Reason.UNKNOWN_ZONE, detail={"timezone": unknown})

    def read_zone(self) -> None:
        """Takes the customer's calendar from its traits as they are now."""
        self.calendar = self.catalog.calendar(*zones_told(self.state.facts))

    # --- time -------------------------------------------------------------------------------------------------------

    def passed(self, due: datetime) -> bool:
        """Whether ``due`` has come: at the instant itself, inputs come before what time makes due."""
        return due < self.instant or (self.timed and due == self.instant)

    def next_due(self) -> datetime | None:
        """The next instant at which something could change by itself."""
        return self.survey().due

    def survey(self) -> Survey:
        """Made once, and again after `own`: it takes longer than all else that an event costs which is only counted."""
        if self._survey is None:
            state = self.state
            watches = [*state.watches.values()]
            dues = [stage.look_again for stage in state.stages.values()]
            dues += [task.at for task in state.late_tasks.values()]
            for enrollment in state.enrollments:
                dues.append(enrollment.due)
                watches += enrollment.watches.values()
            dues += [watch.next_change for watch in watches]
            for observed, _ in self.observed():
                # The end of its span wakes nobody.
                own = observed.watches.values()
                watches += own
                dues += [each.next_change for each in own if _comes_before(each, observed.counted_until)]
            tokens = {token for watch in watches for token in watch.watching}
            self._survey = Survey(frozenset(tokens), min([due for due in dues if due is not None], default=None))
        return self._survey

    # --- looking ----------------------------------------------------------------------------------------------------

    def view(self, enrollment: Enrollment | None = None, event: JsonObject | None = None) -> View:
        """What an expression sees at this instant."""
        names = dict(self._customer_names())
        if enrollment is not None:
            names["enter"] = enrollment.enter
            names["steps"] = enrollment.steps
        if event is not None:
            names["event"] = event
        return View(
            now=self.instant,
            facts=self.state.facts,
            calendar=self.calendar,
            names=names,
            stages=self._stages,
        )

    def _customer_names(self) -> Mapping[str, Mapping[str, Json]]:
        if self._names is None:
            own = {track: (stage.stage, stage.since) for track, stage in self.state.stages.items()}
            self._stages = {**self.state.facts.account_stages, **own}
            stages: JsonObject = {track: stage for track, (stage, _since) in self._stages.items()}
            self._names = {
                "contact": self.contact(),
                "stage": stages,
                "health": self._healths(),
                "account health": dict(self.state.facts.account_healths),
            }
        return self._names

    def _healths(self) -> JsonObject:
        """The customer's own, by health score its parts."""
        return {name: health.parts for name, health in self.state.healths.items()}

    def contact(self) -> JsonObject:
        """The contact's id and traits under one name; for an account, nothing."""
        if self.state.kind != "contact":
            return {}
        return {**self.state.facts.traits, "id": self.state.facts.ref}

    def look(
        self,
        watches: dict[str, Watch],
        key: str,
        expression: Expression,
        news: tuple[str, ...],
        enrollment: Enrollment | None = None,
    ) -> Look:
        """What the condition says now. Evaluated only where something it depends on changed, or its instant has come."""
        known = watches.get(key)
        if known is not None and not self.stale(known, news):
            return STILL_HOLDS if known.holds else STILL_FAILS
        verdict = expression.evaluate(self.view(enrollment))
        watches[key] = Watch(verdict.holds, verdict.next_change, tuple(sorted(watched(expression, verdict))))
        if known is None:
            return Look(verdict.holds, flipped=False, first=True)
        return Look(verdict.holds, flipped=verdict.holds != known.holds, first=False)

    def stale(self, watch: Watch, news: tuple[str, ...]) -> bool:
        """Whether something that ``watch`` depends on changed, or its instant has come."""
        due = watch.next_change
        if due is not None and self.passed(due):
            return True
        watching = watch.watching
        for token in news:  # noqa: SIM110 (asked of every watch in every round: twice as fast as `any`)
            if token in watching or token == ZONE_CHANGED:
                return True
        return False

    def holds(self, expression: Expression, enrollment: Enrollment | None, event: JsonObject | None = None) -> bool:
        return expression.evaluate(self.view(enrollment, event)).holds

    def explain(
        self, expression: Expression, enrollment: Enrollment | None = None, event: JsonObject | None = None
    ) -> Evidence:
        return expression.explain(self.view(enrollment, event))

    # --- who ---------------------------------------------------------------------------------------------------------

    def book_of(self, enrollment: Enrollment) -> CompiledPlaybook:
        return self.catalog.playbook(enrollment.playbook, enrollment.version)

    def observed(self) -> list[tuple[Enrollment, CompiledPlaybook]]:
        """Enrollments that have ended and whose goal is still looked for, of versions that the catalog has."""
        known = (each for each in self.state.observed if self.catalog.knows(each.playbook, each.version))
        return [(each, self.book_of(each)) for each in known]

    def in_order(self) -> list[Enrollment]:
        """Active enrollments: higher priority first, then older, then by playbook id (language, section 6.3)."""
        if len(self.state.enrollments) < 2:
            return list(self.state.enrollments)
        return sorted(
            self.state.enrollments,
            key=lambda each: (-self.book_of(each).definition.priority, each.started, each.playbook),
        )

    def active(self, enrollment: Enrollment) -> bool:
        # `in` asks the same object first, and compares only different ones, of which no two have the same id.
        return enrollment in self.state.enrollments

    # --- effects ----------------------------------------------------------------------------------------------------

    def withdraw(self, key: str) -> None:
        """Takes an effect back; a message that has not left gives its place free."""
        self.withdrawn.append(key)
        if self.ledger is not None:
            self.ledger.withdraw(key)

    def take_back(self, enrollment: Enrollment) -> None:
        """Withdraws what its step released and has not left yet, and cancels what the step has contacts do.

        A digest stays that others wait for: it leaves without this one's message (`digests.narrowed`).
        """
        released, enrollment.awaiting = enrollment.awaiting, None
        if released is not None and all(each.awaiting != released for each in self.state.enrollments):
            self.withdraw(released)
        for key in enrollment.awaited:
            self.tell(key.rsplit("/", 1)[1], ErrandCancelled(at=self.instant, key=key))
        enrollment.awaited = {}

    def unrelease(self, key: str) -> bool:
        """Undoes a release of this very instant, the journal's line included; False where there is none."""
        found = next((each for each in self.effects if each.key == key and each.at == self.instant), None)
        if found is None:
            return False
        self.effects.remove(found)
        for each in found.items if isinstance(found, SendEmail) and found.items else (found,):
            lines = (i for i in range(len(self.journal) - 1, -1, -1) if _tells_of(self.journal[i], each))
            del self.journal[next(lines)]
        return True

    # --- other customers ---------------------------------------------------------------------------------------------

    def tell(self, to: str | None, what: Input) -> None:
        """Has another customer (internal id) told; None: the contact's account, if it has one."""
        if to is not None or self.state.facts.account is not None:
            self.tellings.append(Telling(to=to, input=what))

    def tell_contacts(self) -> None:
        """Tells an account's contacts of it, where something changed that they have not been told."""
        if self.account_changed:
            self.account_changed = False
            told = account_as_told(self.state, self.instant)
            for contact in self.state.contacts:
                self.tell(contact, told)

    def report(self, key: str, base: datetime, result: JsonObject) -> None:
        """Tells the account, whose errand ``key`` is, how it ended."""
        self.tell(key.partition("/")[0], ErrandEnded(at=self.instant, key=key, base=base, result=result))

    # --- telling ----------------------------------------------------------------------------------------------------

    def note(
        self,
        act: Act,
        code: str,
        *,
        enrollment: Enrollment | None = None,
        book: CompiledPlaybook | None = None,
        step: str | None = None,
        reason: str | None = None,
        detail: JsonObject | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        """Writes one decision into the journal."""
        playbook = enrollment.playbook if enrollment is not None else book.id if book is not None else None
        version = enrollment.version if enrollment is not None else book.version if book is not None else None
        self.journal.append(
            JournalEntry(
                at=self.instant,
                act=act,
                code=code,
                playbook=playbook,
                version=version,
                enrollment=None if enrollment is None else enrollment.id,
                step=step,
                reason=reason,
                detail=detail or {},
                evidence=evidence,
            )
        )


def _tells_of(entry: JournalEntry, released: Effect | DigestItem) -> bool:
    return (entry.act, entry.enrollment, entry.step) == (Act.RELEASED, released.enrollment, released.step)


def _comes_before(watch: Watch, end: datetime | None) -> bool:
    return watch.next_change is not None and end is not None and watch.next_change < end
