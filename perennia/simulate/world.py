"""Customers' world in memory: a clock that jumps from instant to instant, and effects that succeed unless told otherwise."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TypeAlias

import msgspec

from perennia.core.account_news import account_as_told
from perennia.core.admission import last_look, underway
from perennia.core.advance import Decision, advance, missing_history
from perennia.core.compiled import Catalog
from perennia.core.contacts import ROLES, roles_in
from perennia.core.decisions import (
    Answer,
    ApprovalEnded,
    AskApproval,
    ContactChanged,
    CustomerEvent,
    Effect,
    EffectEnded,
    EscalateTask,
    Input,
    JournalEntry,
    MessageTold,
    OpenTask,
    Outcome,
    Recollection,
    SendEmail,
    TaskEnded,
    Told,
    TraitsChanged,
)
from perennia.core.digests import items_of, narrowed
from perennia.core.facts import zones_told
from perennia.core.state import CustomerState, KnownContact, LedgerEntry, Recipient
from perennia.simulate.outside import Outside, Rendering

Act: TypeAlias = Callable[["World"], None]


@dataclass(frozen=True)
class Released:
    """A message or task that has left: of which step, and of the enrollment with which key."""

    effect: Effect
    key: str | None


@dataclass
class Inhabitant:
    """One customer of the world. ``account`` is the internal id of the contact's account, None without one."""

    state: CustomerState
    account: str | None = None
    recipient: Recipient = field(default_factory=lambda: Recipient(address=None, ledger=()))
    released: list[Released] = field(default_factory=list["Released"])
    wake_at: datetime | None = None
    seq: count[int] = field(default_factory=lambda: count(1))
    heard: list[CustomerEvent] = field(default_factory=list[CustomerEvent])
    held: list[Effect] = field(default_factory=list[Effect])

    @property
    def id(self) -> str:
        return self.state.customer

    def release(self, effect: Effect) -> None:
        for each in items_of(effect) if isinstance(effect, SendEmail) and effect.items else (effect,):
            keys = [one.key for one in self.state.enrollments if one.id == each.enrollment]
            self.released.append(Released(each, keys[0] if keys else None))

    def last_of(self, step: str, kind: type[Effect], key: str | None) -> Effect | None:
        """What the step released last; with ``key``, in the enrollment that has it."""
        found = [
            each.effect
            for each in self.released
            if isinstance(each.effect, kind) and each.effect.step == step and key in (None, each.key)
        ]
        return found[-1] if found else None


class World:
    """Customers in one catalog: one, or an account with its contacts. What happens is put on the agenda; `run` lives through it.

    At one instant inputs come first, in the order of the agenda, but the result of an effect at once, before whatever else
    happens at the instant of its release; then what time alone makes due, accounts before contacts
    and each by id. What a decision tells other customers is an input of the same instant.
    """

    def __init__(self, catalog: Catalog, state: CustomerState, rendering: Rendering) -> None:
        self.catalog = catalog
        self.outside = Outside(rendering)
        self.turns = 0
        # Every decision with the customer it is about, in the order in which they were made.
        self.chronicle: list[tuple[CustomerState, JournalEntry]] = []
        self._customer = state.customer
        self._people = {state.customer: Inhabitant(state)}
        # By instant; results of effects before anything else; then in the order in which it was put there.
        self._agenda: list[tuple[datetime, bool, int, str, Input | Act]] = []
        self._order = count()
        # Addresses that messages came back from.
        self._closed: set[str] = set()
        self._withdrawn: set[str] = set()

    def settle(self, contact: CustomerState, roles: tuple[str, ...]) -> None:
        """A contact of the world's account, which knows it from the beginning."""
        self._people[contact.customer] = Inhabitant(contact, account=self._customer)
        known = KnownContact(contact.facts.ref, roles)
        self.state.contacts = {**self.state.contacts, contact.customer: known}

    @property
    def state(self) -> CustomerState:
        """The state of the customer that the world was made with."""
        return self._people[self._customer].state

    def state_of(self, customer: str) -> CustomerState:
        """The state of the account or of a contact (internal id)."""
        return self._people[customer].state

    @property
    def standing(self) -> frozenset[tuple[str, str]]:
        """Playbook and step of everybody's enrollments as they stand now."""
        runs = (run for person in self._people.values() for run in person.state.enrollments)
        return frozenset((run.playbook, run.step) for run in runs if run.step)

    @property
    def journal(self) -> list[JournalEntry]:
        return [entry for _, entry in self.chronicle]

    def at(self, when: datetime, what: Input | Act, customer: str | None = None) -> None:
        """Puts an input, or something that happens to the world, on the agenda; at one instant in order of this call.

        ``customer`` None: the one that the world was made with.
        """
        is_result = isinstance(what, EffectEnded)
        heapq.heappush(self._agenda, (when, not is_result, next(self._order), customer or self._customer, what))

    def run(self, until: datetime) -> None:
        """Lives through everything up to and with ``until``."""
        self._live(until)
        for person in self._in_order():
            self._turn(person, until, ())
        self._live(until)

    # --- time ---

    def _live(self, until: datetime) -> None:
        while True:
            woken = self._next_to_wake()
            due = self._agenda[0][0] if self._agenda else None
            wake_at = None if woken is None else woken.wake_at
            if due is not None and due <= until and (wake_at is None or due <= wake_at):
                self._happen()
            elif woken is not None and wake_at is not None and wake_at <= until:
                self._turn(woken, wake_at, ())
            else:
                break

    def _in_order(self) -> list[Inhabitant]:
        return sorted(self._people.values(), key=lambda person: (person.state.kind, person.id))

    def _next_to_wake(self) -> Inhabitant | None:
        waiting = [person for person in self._in_order() if person.wake_at is not None]
        return min(waiting, key=lambda person: person.wake_at or datetime.max, default=None)  # noqa: DTZ901 - never taken

    def _happen(self) -> None:
        when, _, _, customer, what = heapq.heappop(self._agenda)
        if callable(what):
            what(self)
            for person in self._in_order():
                if any(enrollment.is_held for enrollment in person.state.enrollments):
                    self._turn(person, when, ())  # who may no longer be written to is looked at at once
            return
        person = self._people[customer]
        self._turn(person, when, (what,))
        account = self._people.get(person.account or "")
        if account is not None and (told := _for_account(person, what)) is not None:
            self._turn(account, when, (told,))

    def _turn(self, person: Inhabitant, now: datetime, inputs: tuple[Input, ...]) -> None:
        # What time alone makes due at this instant waits for the inputs of the same instant.
        last = not self._agenda or self._agenda[0][0] > now
        clock = now if last else now - timedelta(microseconds=1)
        numbered = [msgspec.structs.replace(each, seq=next(person.seq)) for each in inputs]
        recalled = _recall(self.catalog, person)
        person.heard += [each for each in numbered if isinstance(each, CustomerEvent)]
        decision = advance(self.catalog, person.state, clock, [*recalled, *numbered], self._recipients(person, inputs))
        self.turns += 1
        person.state = decision.state
        self.chronicle += [(person.state, entry) for entry in decision.journal]
        person.wake_at = decision.wake_at
        for known, recipient in decision.recipients.items():
            other = self._people[known]
            other.recipient = msgspec.structs.replace(other.recipient, ledger=recipient.ledger)
        self._withdrawn.update(decision.withdrawn)
        self._tell(person, decision, now)
        for effect in decision.effects:
            if effect.key not in self._withdrawn:
                self._carry_out(person, effect, now)

    def _recipients(self, person: Inhabitant, inputs: tuple[Input, ...]) -> dict[str, Recipient]:
        told = next((each.traits.get("email") for each in inputs if isinstance(each, TraitsChanged)), None)
        address = person.state.facts.traits.get("email") if told is None else told
        closed = person.recipient.suppressed or address in self._closed
        return {person.id: msgspec.structs.replace(person.recipient, suppressed=closed)}

    def _tell(self, person: Inhabitant, decision: Decision, now: datetime) -> None:
        """Tells others what the decision has for them."""
        for telling in decision.tellings:
            to = telling.to or person.account
            if to in self._people:
                self.at(now, telling.input, to)

    # --- effects ---

    def _carry_out(self, person: Inhabitant, effect: Effect, now: datetime) -> None:
        if isinstance(effect, EscalateTask):
            return  # a row of our own changes: nobody answers
        if not isinstance(effect, OpenTask | AskApproval):
            if effect.key in self._withdrawn:
                return
            if self.catalog.is_paused(effect.playbook, now):
                person.held.append(effect)
                return
        if isinstance(effect, SendEmail):
            waiting = (each.id for each in person.state.enrollments if each.awaiting == effect.key)
            effect = narrowed(effect, waiting)
            reason = self._late_refusal(person, effect, now)
            if reason is not None:
                ended = EffectEnded(at=now, key=effect.key, outcome=Outcome.SKIPPED, reason=reason)
                self.at(now, ended, person.id)
                return
        answer = self.outside.attempt(effect, now, self.catalog.policies)
        if not isinstance(answer, EffectEnded):
            self.at(answer, lambda _: self._carry_out(person, effect, answer))
            return
        if isinstance(effect, SendEmail) and answer.outcome is Outcome.SENT:
            person.recipient = underway(person.recipient, effect.key)
        if isinstance(effect, SendEmail | OpenTask | AskApproval) and answer.outcome is not Outcome.FAILED:
            person.release(effect)
        self.at(now, answer, person.id)

    def _late_refusal(self, person: Inhabitant, effect: SendEmail, now: datetime) -> str | None:
        """What speaks against leaving later than it was released, as the engine looks at it before it calls the provider."""
        if now == effect.at:
            return None
        calendar = self.catalog.calendar(*zones_told(person.state.facts))
        return last_look(self.catalog.timing, person.recipient.ledger or (), effect, now, calendar)

    # --- what happens to the world beside inputs ---

    def publish(self, at: datetime, catalog: Catalog) -> None:
        """From here on this catalog is in force; messages of a playbook that is not paused any more leave."""
        self.catalog = catalog
        for person in self._in_order():
            self._turn(person, at, ())
            held, person.held = person.held, []
            awaited = {enrollment.awaiting for enrollment in person.state.enrollments}
            for effect in held:
                if effect.key in awaited:
                    self._carry_out(person, effect, at)

    def consent(self, topic: str, *, given: bool, customer: str | None = None) -> None:
        person = self._people[customer or self._customer]
        consents = {**person.recipient.consents, topic: given}
        person.recipient = msgspec.structs.replace(person.recipient, consents=consents)

    def finish_task(
        self, at: datetime, step: str, result: str | None, customer: str | None = None, key: str | None = None
    ) -> None:
        """A person finishes the task that the step opened last, for anybody unless ``customer`` is named.

        Where it opened none, nothing happens.
        """
        person, task = self._last_of(step, OpenTask, customer, key)
        if person is not None and task is not None:
            self.at(at, TaskEnded(at=at, key=task.key, outcome="done", result=result), person.id)

    def tell(self, at: datetime, step: str, what: Told, customer: str | None = None, key: str | None = None) -> None:
        """Something becomes of the message that the step sent last. One that comes back closes its address for good."""
        person, message = self._last_of(step, SendEmail, customer, key)
        if person is None or not isinstance(message, SendEmail):
            return
        if what == "bounced" and message.recipient == "contact":
            self._closed.add(str(person.state.facts.traits.get("email")))
        self.at(at, MessageTold(at=at, key=message.key, what=what), person.id)

    def _last_of(
        self, step: str, kind: type[Effect], customer: str | None, key: str | None
    ) -> tuple[Inhabitant | None, Effect | None]:
        for person in self._in_order() if customer is None else [self._people[customer]]:
            last = person.last_of(step, kind, key)
            if last is not None:
                return person, last
        return None, None

    def answer(
        self,
        at: datetime,
        step: str,
        decision: Answer,
        comment: str | None,
        customer: str | None = None,
        key: str | None = None,
    ) -> None:
        """A person answers what the step asked last. Where it asked nothing, nothing happens."""
        person, question = self._last_of(step, AskApproval, customer, key)
        if person is not None and question is not None:
            ended = ApprovalEnded(at=at, key=question.key, decision=decision, comment=comment)
            self.at(at, ended, person.id)

    def take_place(self, customer: str, place: LedgerEntry) -> None:
        """A message that nothing here sent takes a place under the contact's caps."""
        person = self._people[customer]
        ledger = (*(person.recipient.ledger or ()), place)
        person.recipient = msgspec.structs.replace(person.recipient, ledger=ledger)

    def arrive(self, newcomer: CustomerState) -> None:
        """Somebody whom nobody knew; without an account until there is a `join`."""
        self._people[newcomer.customer] = Inhabitant(newcomer)

    def join(self, at: datetime, contact: str, account: str) -> None:
        """The contact belongs to the account from here on; both are told."""
        person = self._people[contact]
        person.account = account
        # At once: what is on the agenda of this instant happens to a member.
        self._turn(person, at, (account_as_told(self._people[account].state, at),))
        facts = person.state.facts
        told = ContactChanged(at=at, contact=contact, ref=facts.ref, roles=roles_in(facts.traits))
        self._turn(self._people[account], at, (told,))

    def leave(self, at: datetime, contact: str, account: str) -> None:
        """The contact belongs to the account no more, which is told."""
        person = self._people[contact]
        person.account = None
        told = ContactChanged(at=at, contact=contact, ref=person.state.facts.ref, roles=None)
        self._turn(self._people[account], at, (told,))

    def suppress(self, customer: str | None = None) -> None:
        person = self._people[customer or self._customer]
        person.recipient = msgspec.structs.replace(person.recipient, suppressed=True)


def _for_account(contact: Inhabitant, what: Input) -> Input | None:
    """What the contact's account is told of an input that comes from outside."""
    ref = contact.state.facts.ref
    if isinstance(what, TraitsChanged):
        roles = roles_in(what.traits)
        return ContactChanged(at=what.at, contact=contact.id, ref=ref, roles=roles) if ROLES in what.traits else None
    if isinstance(what, CustomerEvent):
        return msgspec.structs.replace(what, properties={**what.properties, "contact": ref})
    return None


def _recall(catalog: Catalog, person: Inhabitant) -> tuple[Recollection, ...]:
    """Events that what was published meanwhile counts and nobody counted so far."""
    names = missing_history(catalog, person.state)
    if not names:
        return ()
    events = tuple(event for event in person.heard if event.name in names)
    return (Recollection(at=person.state.now, names=names, events=events),)
