"""Merging: two contacts that turn out to be one.

The former customer ends here: its enrollments end with the exit reason ``merged``, what it had not sent yet is skipped, its
open tasks are cancelled, and it takes no turn any more. The other one goes on with what it is in itself, and gets

- what the former one had not read yet, as if it had just happened to it;
- what the former one had read, as past events: counted (``count``, ``last`` ...), never acted upon a second time;
- traits, account and topic consents that it has no word of its own for; all names and devices.

Re-entry looks at its own past enrollments only.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, and_, delete, literal, or_, select, update

from perennia.core.decisions import Act, CustomerEvent, Input, JournalEntry, Reason, TraitsChanged
from perennia.core.facts import Facts
from perennia.core.json_values import JsonObject
from perennia.core.state import CustomerState, Enrollment
from perennia.store import strangers
from perennia.store.arrivals import look_up, remember_bare
from perennia.store.bodies import body, email_in, input_of, normal_address, state_of
from perennia.store.cast import gather, names_of
from perennia.store.driver import insert_into
from perennia.store.identities import ANONYMOUS, Name, lock_devices, point, resolve
from perennia.store.journaling import write_journal
from perennia.store.locking import LockedCustomer
from perennia.store.marks import erased_among
from perennia.store.records import Merge, Receipt, SendStatus
from perennia.store.tables import (
    consent_asks,
    consent_records,
    consents,
    customers,
    deliveries,
    effects,
    identities,
    inputs,
    messages,
    tasks,
)
from perennia.store.taking import Taking
from perennia.store.trials import forget_trials

MERGED = Reason.MERGED.value

# No catalog's `needs_version`: whatever has been tallied, the next turn counts the past anew.
RECOUNT = "merged"


def merge(connection: Connection, item: Merge, at: datetime) -> Receipt:
    """Makes ``previous_id`` another name of the contact ``external_id``, whatever it was: contact, device or unknown."""
    former, device = Name("contact", item.previous_id), Name(ANONYMOUS, item.previous_id)
    name = Name("contact", item.external_id)
    lock_devices(connection)
    known = resolve(connection, [former, device, name])
    if erased_among(connection, {former, name} - known.keys()):
        return Receipt(accepted=1, duplicates=0, rejected=0, rung=())  # it would bring somebody back who was erased
    claimed = {} if device in known else strangers.of_devices(connection, [item.previous_id])
    wanted = names_of(each for items in claimed.values() for each in items) - {device} | {name}
    known |= resolve(connection, wanted - known.keys())
    cast = gather(connection, known, [each for each in wanted if each not in known], at, claimed)
    seen, bells = look_up(connection, [item.message_id])
    if item.message_id in seen:
        return Receipt(accepted=0, duplicates=1, rejected=0, rung=())
    target, previous = cast.by_name[name], cast.by_name.get(former)
    taking = Taking(connection, cast, bells, at)
    taking.claim(target, item.previous_id)
    if previous is None:
        point(connection, [(former, target.id)])
    elif previous is not target:
        _Merging(connection, taking, previous, target, at).carry_out(item.at)
    remember_bare(connection, [item.message_id], at)
    made = tuple(each.id for each in cast.by_name.values() if each.is_new)
    return Receipt(accepted=1, duplicates=0, rejected=0, rung=tuple(dict.fromkeys((*made, *taking.write()))))


class _Merging:
    """``previous`` into ``target``; both, and their accounts, are locked."""

    def __init__(
        self, connection: Connection, taking: Taking, previous: LockedCustomer, target: LockedCustomer, at: datetime
    ) -> None:
        self._connection = connection
        self._taking = taking
        self._previous = previous
        self._target = target
        self._at = at

    def carry_out(self, told_at: datetime) -> None:
        former, own = self._life(self._previous), self._life(self._target)
        self._hand_over_traits(former, own, told_at)
        if self._target.account is None and self._previous.account is not None:
            self._taking.join(self._target, self._taking.customer(self._previous.account), told_at, None)
        self._taking.leave(self._previous, told_at)
        if self._hand_over_events(former):
            self._recount(own)
        self._hand_over_names()
        self._hand_over_consents()
        self._end(former)
        for customer in (self._target, self._previous):
            customer.ring()
            self._taking.appending.touch(customer)

    # --- what is handed over ---

    def _life(self, customer: LockedCustomer) -> _Life:
        row = self._connection.execute(
            select(customers.c.state, customers.c.cursor, customers.c.first_seen).where(customers.c.id == customer.id)
        ).one()
        of_customer = select(inputs.c.seq, inputs.c.message_id, inputs.c.past, inputs.c.body)
        rows = self._connection.execute(of_customer.where(inputs.c.customer == customer.id).order_by(inputs.c.seq))
        state = CustomerState(
            customer=customer.id,
            kind=customer.kind,
            now=row.first_seen,
            facts=Facts(ref=customer.external_id, first_seen=row.first_seen),
        )
        return _Life(
            state=state if row.state is None else state_of(row.state),
            inputs=[_Lived(input_of(each.body), each.message_id, each.past or each.seq <= row.cursor) for each in rows],
        )

    def _hand_over_traits(self, former: _Life, own: _Life, at: datetime) -> None:
        known = own.traits()
        missing: JsonObject = {name: value for name, value in former.traits().items() if name not in known}
        if missing:
            told = TraitsChanged(at=at, traits=missing)
            self._taking.appending.append(self._target, told)
            self._taking.tell_roles(self._target, told)
        if self._target.address is None and (email := email_in(missing)) is not None:
            self._target.address = normal_address(email)

    def _hand_over_events(self, former: _Life) -> bool:
        """Moves the events, message ids and all. True where some of them are of the past."""
        events = [lived for lived in former.inputs if isinstance(lived.input, CustomerEvent)]
        events_of_former = and_(inputs.c.customer == self._previous.id, inputs.c.name.is_not(None))
        self._connection.execute(delete(inputs).where(events_of_former))
        for lived in events:
            self._taking.appending.append(self._target, lived.input, lived.message_id, past=lived.read)
        return any(lived.read for lived in events)

    def _recount(self, own: _Life) -> None:
        state = body(msgspec.structs.replace(own.state, tallied=RECOUNT))
        self._connection.execute(update(customers).where(customers.c.id == self._target.id).values(state=state))

    def _hand_over_names(self) -> None:
        previous, target = self._previous.id, self._target.id
        self._connection.execute(update(identities).where(identities.c.customer == previous).values(customer=target))
        is_previous = or_(customers.c.id == previous, customers.c.merged_into == previous)
        self._connection.execute(update(customers).where(is_previous).values(merged_into=target))

    def _hand_over_consents(self) -> None:
        names = ["customer", "topic", "given", "at", "source"]
        said = select(
            literal(self._target.id), consents.c.topic, consents.c.given, consents.c.at, consents.c.source
        ).where(consents.c.customer == self._previous.id)
        self._connection.execute(
            insert_into(self._connection, consents).from_select(names, said).on_conflict_do_nothing()
        )
        # What was said, and the proof of it, is the person's: it goes with them. A link that was sent still confirms.
        of_previous = consent_records.c.customer == self._previous.id
        self._connection.execute(update(consent_records).where(of_previous).values(customer=self._target.id))
        asked = select(
            literal(self._target.id), consent_asks.c.topic, consent_asks.c.mailed_at, consent_asks.c.open
        ).where(consent_asks.c.customer == self._previous.id)
        asks = insert_into(self._connection, consent_asks).from_select(
            ["customer", "topic", "mailed_at", "open"], asked
        )
        self._connection.execute(asks.on_conflict_do_nothing())

    # --- the end of the former customer ---

    def _end(self, former: _Life) -> None:
        previous, execute = self._previous.id, self._connection.execute
        entries = [self._ended(enrollment) for enrollment in former.state.enrollments]
        write_journal(self._connection, previous, entries)
        forget_trials(self._connection, previous)
        ended = body(msgspec.structs.replace(former.state, enrollments=[], observed=[]))
        execute(
            update(customers)
            .where(customers.c.id == previous)
            .values(state=ended, enrollments="[]", watching="[]", wake_at=None)
        )
        execute(update(effects).where(effects.c.customer == previous, effects.c.open).values(open=False))
        reserved = and_(messages.c.customer == previous, messages.c.status == SendStatus.RESERVED)
        execute(update(messages).where(reserved).values(status=SendStatus.SKIPPED, reason=MERGED, ended_at=self._at))
        counted = messages.c.counts_for == previous
        execute(update(messages).where(counted).values(counts_for=self._target.id))
        untold = and_(deliveries.c.customer == previous, deliveries.c.status == SendStatus.RESERVED)
        execute(update(deliveries).where(untold).values(status=SendStatus.SKIPPED, reason=MERGED, ended_at=self._at))
        open_tasks = and_(tasks.c.customer == previous, tasks.c.status == "open")
        execute(update(tasks).where(open_tasks).values(status="cancelled", result=MERGED, ended_at=self._at))

    def _ended(self, enrollment: Enrollment) -> JournalEntry:
        return JournalEntry(
            at=self._at,
            act=Act.ENDED,
            code=MERGED,
            playbook=enrollment.playbook,
            version=enrollment.version,
            enrollment=enrollment.id,
            step=enrollment.step,
            detail={"into": self._target.external_id},
        )


class _Lived(NamedTuple):
    """An input, and whether a turn has read it (of this customer, or of one merged into it before)."""

    input: Input
    message_id: str | None
    read: bool


class _Life(NamedTuple):
    state: CustomerState
    inputs: list[_Lived]

    def traits(self) -> JsonObject:
        """All traits ever accepted, read by a turn or not; None for those that were removed since the last turn."""
        traits: JsonObject = dict(self.state.facts.traits)
        for lived in self.inputs:
            if isinstance(lived.input, TraitsChanged) and not lived.read:
                traits |= lived.input.traits
        return traits
