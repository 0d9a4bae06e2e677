"""Erasing a customer: nothing stays but an empty row, which tells what comes late that there is nobody, and marks.

Whatever refers to the customer is deleted, table by table; what others hold of them is overwritten (`scrubbing`); what
other systems sent and nobody could be given is deleted where it names them. The empty row keeps the internal id: it is all
that Temporal knows of anybody, and its workflow ends with the next turn, which finds nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, or_, select, update

from perennia.core.decisions import AccountTraitsChanged, ContactChanged, Input, TraitsChanged
from perennia.core.definitions import Scope
from perennia.core.json_values import Json, JsonObject
from perennia.store import crm_erasures
from perennia.store.access_tables import api_requests
from perennia.store.audit_log import write_audit
from perennia.store.bells import ALIVE
from perennia.store.bodies import body, email_in, input_of, normal_address, object_of, state_of
from perennia.store.customer_ids import kind_of
from perennia.store.identities import ANONYMOUS, Name, lock_devices
from perennia.store.locking import QUIET, RUNG
from perennia.store.marks import ADDRESS, REFERENCE, Mark, erased_among, remember
from perennia.store.naming import names_in
from perennia.store.orders import place_order
from perennia.store.port import StoreUnavailable, UnknownCustomer
from perennia.store.privacy_records import Erased, Erasure
from perennia.store.reading import find
from perennia.store.records import AuditEntry
from perennia.store.scrubbing import Scrubber, Traces, scrub, scrub_notes
from perennia.store.tables import (
    audit,
    customers,
    identities,
    inputs,
    messages,
    metadata,
    rejected,
    reports,
    strangers,
    suppressions,
    unclaimed_answers,
)

ERASED: Final = "erased"
# Traits that say what somebody is called, however they are written.
_NAMING: Final = frozenset(
    {"company", "companyname", "displayname", "firstname", "fullname", "lastname", "name", "nickname"}
    | {"phone", "phonenumber", "surname", "username"}
)
SHORTEST_NAME: Final = 3  # shorter ones are parts of too much else to be overwritten in other customers' texts


def erase(connection: Connection, reference: str, kind: Scope | None, order: Erasure) -> Erased:
    """`Store.erase`."""
    try:
        customer = find(connection, reference, kind)
    except UnknownCustomer:
        return _erased_before(connection, reference, kind)
    members = _members(connection, customer) if order.members else []
    if order.only_count:
        rows = _counted(connection, [one for each in (customer, *members) for one in bodies_of(connection, each)])
        return Erased(customer=customer, kind=kind_of(customer), at=order.at, rows=rows, members=tuple(members))
    rows: dict[str, int] = {}
    touched: list[str] = []
    lock_devices(connection)
    _lock(connection, [customer, *members])
    for each in (*members, customer):
        _Erasing(connection, each, order).carry_out(rows, touched)
    detail: JsonObject = {"rows": {**rows}, "members": len(members), "suppressed": order.suppress, "crm": order.crm}
    write_audit(connection, AuditEntry(at=order.at, by=order.by, action="erase", subject=customer, detail=detail))
    others = tuple(each for each in dict.fromkeys(touched) if each not in {customer, *members})
    return Erased(
        customer=customer, kind=kind_of(customer), at=order.at, rows=rows, members=tuple(members), touched=others
    )


def _erased_before(connection: Connection, reference: str, kind: Scope | None) -> Erased:
    is_it = (customers.c.id == reference) & customers.c.erased_at.is_not(None)
    row = connection.execute(select(customers.c.id, customers.c.kind, customers.c.erased_at).where(is_it)).first()
    if row is not None:
        return Erased(customer=row.id, kind=row.kind, at=row.erased_at, again=True)
    for scope in ("contact", "account") if kind is None else (kind,):
        name = Name(scope, reference)
        mark = erased_among(connection, [name]).get(name)
        if mark is not None:
            return Erased(customer=None, kind=scope, at=mark.at, again=True)
    raise UnknownCustomer(f"no {kind or 'customer'} {reference!r}")


def _members(connection: Connection, account: str) -> list[str]:
    of_account = select(customers.c.id).where(customers.c.account == account, ALIVE).order_by(customers.c.id)
    return list(connection.scalars(of_account))


def bodies_of(connection: Connection, customer: str) -> list[str]:
    """The customer, and those that were merged into it."""
    is_one = or_(customers.c.id == customer, customers.c.merged_into == customer)
    return list(connection.scalars(select(customers.c.id).where(is_one)))


def _lock(connection: Connection, people: Sequence[str]) -> None:
    """Them, who was merged into them, and everybody who knows of them: accounts before contacts, each by id."""
    is_theirs = or_(customers.c.id.in_(people), customers.c.merged_into.in_(people), customers.c.account.in_(people))
    accounts = select(customers.c.account).where(customers.c.id.in_(people), customers.c.account.is_not(None))
    everybody = select(customers.c.id, customers.c.merged_into, customers.c.erased_at).where(
        or_(is_theirs, customers.c.id.in_(accounts))
    )
    rows = connection.execute(everybody.order_by(customers.c.kind, customers.c.id).with_for_update()).all()
    for row in rows:
        if row.id in people and (row.merged_into is not None or row.erased_at is not None):
            raise StoreUnavailable("the customer was merged or erased at this moment; retry")


# --- what refers to a customer ----------------------------------------------------------------------------------------


def owned_tables() -> Iterator[tuple[Table, list[Any]]]:
    """Every table with columns that name a customer, those first that others refer to last; and these columns."""
    for table in reversed(metadata.sorted_tables):
        columns = [column for column in table.c for key in column.foreign_keys if key.column is customers.c.id]
        if columns and table is not customers:
            yield table, columns


def _counted(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for table, columns in owned_tables():
        is_theirs = or_(*(column.in_(ids) for column in columns))
        counts[table.name] = connection.scalar(select(func.count()).select_from(table).where(is_theirs)) or 0
    return {name: count for name, count in counts.items() if count}


class _Erasing:
    """One customer whose row is locked, and all that were merged into it."""

    def __init__(self, connection: Connection, customer: str, order: Erasure) -> None:
        self._connection = connection
        self._customer = customer
        self._order = order
        self._ids = bodies_of(connection, customer)
        self._known = _Known(connection, self._ids)

    def carry_out(self, rows: dict[str, int], touched: list[str]) -> None:
        """Adds to ``rows`` what was deleted, to ``touched`` whose rows were overwritten."""
        traces = self._known.traces(self._customer)
        others = self._others()
        self._remember()
        crm_erasures.note(self._connection, kind_of(self._customer), self._ids, self._order.at, ordered=self._order.crm)
        for name, count in self._delete():
            rows[name] = rows.get(name, 0) + count
        self._empty()
        for other in others:
            scrub(self._connection, other, traces)
            told = self._farewell(other, traces)
            if told is not None:
                place_order(self._connection, other, told)
        touched += others
        self._clean_audit(traces)
        scrub_notes(self._connection, traces)

    def _others(self) -> list[str]:
        """Who knows of them: a contact's accounts, now and before; an account's contacts."""
        of_theirs = select(customers.c.account).where(customers.c.id.in_(self._ids), customers.c.account.is_not(None))
        is_account = (customers.c.kind == "account") & customers.c.external_id.in_(self._known.accounts)
        is_other = or_(customers.c.account.in_(self._ids), customers.c.id.in_(of_theirs), is_account)
        others = select(customers.c.id).where(is_other, customers.c.id.not_in(self._ids), ALIVE)
        return list(self._connection.scalars(others.order_by(customers.c.kind, customers.c.id).with_for_update()))

    def _farewell(self, other: str, traces: Traces) -> Input | None:
        """What the other one is told, as if they had left."""
        if kind_of(other) == "account":
            return ContactChanged(at=self._order.at, contact=self._customer, ref=traces.ref, roles=None)
        is_member = (customers.c.id == other) & customers.c.account.in_(self._ids)
        left = self._connection.execute(update(customers).where(is_member).values(account=None)).rowcount
        return AccountTraitsChanged(at=self._order.at, account=None, traits={}) if left else None

    def _remember(self) -> None:
        """Marks their names, and with those of their addresses that nobody else has whether they were suppressed."""
        marks = {name: Mark(self._order.at) for name in self._known.names}
        for address in self._own_addresses():
            closed = suppressions.c.address == address
            row = self._connection.execute(delete(suppressions).where(closed).returning(*suppressions.c)).first()
            reason = ERASED if row is None and self._order.suppress else None if row is None else row.reason
            at = None if reason is None else self._order.at if row is None else row.at
            marks[Name(ADDRESS, address)] = Mark(self._order.at, reason, at)
        remember(self._connection, marks)

    def _own_addresses(self) -> list[str]:
        shared = customers.c.address.in_(self._known.addresses) & customers.c.id.not_in(self._ids)
        others = set(self._connection.scalars(select(customers.c.address).where(shared, ALIVE)))
        return sorted(self._known.addresses - others)

    def _delete(self) -> Iterator[tuple[str, int]]:
        for table, columns in owned_tables():
            is_theirs = or_(*(column.in_(self._ids) for column in columns))
            count = self._connection.execute(delete(table).where(is_theirs)).rowcount
            if count:
                yield table.name, count
        names = {name for name in self._known.names if name.scope != REFERENCE}
        names |= {Name(ADDRESS, address) for address in self._own_addresses()}
        quoted = [*self._ids, *self._known.addresses, *(f'"{ref}"' for ref in self._known.refs)]
        mentioned = [func.lower(api_requests.c.body).contains(each.lower(), autoescape=True) for each in quoted]
        answered = self._connection.execute(delete(api_requests).where(or_(*mentioned))).rowcount
        if answered:
            yield api_requests.name, answered
        unowned = (
            (strangers, strangers.c.id, strangers.c.body),
            (rejected, rejected.c.digest, rejected.c.raw),
            (unclaimed_answers, unclaimed_answers.c.id, unclaimed_answers.c.body),
            (reports, reports.c.id, reports.c.raw),
        )
        for table, key, raw in unowned:
            if found := self._naming(key, raw, names):
                self._connection.execute(delete(table).where(key.in_(found)))
                yield table.name, len(found)
        # What was answered about them, and would be answered again.
        told = [api_requests.c.body.contains(f'"{text}"', autoescape=True) for text in (*self._ids, *self._known.refs)]
        count = self._connection.execute(delete(api_requests).where(or_(*told))).rowcount
        if count:
            yield api_requests.name, count

    def _naming(self, key: Any, raw: Any, names: set[Name]) -> list[object]:
        """The rows that name them, of a table of what other systems sent. Of reports: those of no message of ours."""
        mentioned = [func.lower(raw).contains(name.value.lower(), autoescape=True) for name in names]
        is_free = [reports.c.customer.is_(None)] if key.table is reports else []
        rows = self._connection.execute(select(key, raw).where(or_(*mentioned), *is_free))
        return [id_ for id_, text in rows if not names.isdisjoint(names_in(text))]

    def _empty(self) -> None:
        """What is left of the rows says nothing but that somebody was erased, and rings: the workflow finds nobody and ends."""
        for id_ in self._ids:
            values: dict[str, object] = {
                "external_id": f"erased:{id_}",
                "account": None,
                "address": None,
                "revision": None,
                "bell": RUNG if id_ == self._customer else QUIET,
                "rung_at": self._order.at if id_ == self._customer else None,
                "wake_at": None,
                "watching": "[]",
                "stages": "{}",
                "enrollments": "[]",
                "first_seen": self._order.at,
                "erased_at": self._order.at,
                "state": None,
            }
            self._connection.execute(update(customers).where(customers.c.id == id_).values(values))

    def _clean_audit(self, traces: Traces) -> None:
        """Who did what stays; about whom becomes the internal id, which leads to nobody.

        Of a consent that nobody told us by name, ``by`` is its source, which may be their own words.
        """
        scrubber = Scrubber(traces)
        told = (func.lower(audit.c.detail).contains(address, autoescape=True) for address in traces.addresses)
        is_event = (audit.c.action == "event") & audit.c.subject.in_(traces.refs)
        is_about = or_(audit.c.subject.in_(self._ids), func.lower(audit.c.subject).in_(traces.addresses))
        for row in self._connection.execute(select(audit).where(or_(is_event, is_about, *told))).all():
            is_subject = row.subject in traces.refs or row.subject.lower() in traces.addresses
            clean = {
                "subject": self._customer if is_subject else row.subject,
                "by": scrubber.text(row.by) if row.action == "consent" else row.by,
                "detail": body(scrubber.value(object_of(row.detail))),
            }
            self._connection.execute(update(audit).where(audit.c.id == row.id).values(clean))


class _Known:
    """By what a customer is known: read before anything is deleted."""

    def __init__(self, connection: Connection, ids: Sequence[str]) -> None:
        self.names: set[Name] = set()
        self.refs: set[str] = set()
        self.addresses: set[str] = set()
        self.accounts: set[str] = set()
        self._called: set[str] = set()
        rows = select(customers.c.kind, customers.c.external_id, customers.c.address, customers.c.state)
        for row in connection.execute(rows.where(customers.c.id.in_(ids))):
            self._name(Name(row.kind, row.external_id))
            self._address(row.address)
            if row.state is not None:
                self._take(state_of(row.state).facts.traits)
        of_theirs = select(identities.c.scope, identities.c.value).where(identities.c.customer.in_(ids))
        for scope, value in connection.execute(of_theirs):
            self._name(Name(scope, value))
        told = select(inputs.c.body).where(inputs.c.customer.in_(ids), inputs.c.name.is_(None))
        for each in (input_of(text) for text in connection.scalars(told)):
            if isinstance(each, TraitsChanged):
                self._take(each.traits)
            elif isinstance(each, AccountTraitsChanged) and each.account is not None:
                self.accounts.add(each.account)
        sent = select(messages.c.reference, messages.c.address).where(messages.c.customer.in_(ids))
        for reference, address in connection.execute(sent):
            self._address(address)
            if reference is not None:
                self.names.add(Name(REFERENCE, reference))
        for address in connection.scalars(select(reports.c.address).where(reports.c.customer.in_(ids))):
            self._address(address)

    def traces(self, customer: str) -> Traces:
        return Traces(customer, frozenset(self.refs), frozenset(self.addresses), frozenset(self._called))

    def _name(self, name: Name) -> None:
        self.names.add(name)
        if name.scope != ANONYMOUS:
            self.refs.add(name.value)

    def _address(self, address: str | None) -> None:
        if address is not None:
            self.addresses.add(normal_address(address))

    def _take(self, traits: JsonObject) -> None:
        self._address(email_in(traits))
        self._called |= set(_called(traits.items()))


def _called(traits: Iterable[tuple[str, Json]]) -> Iterator[str]:
    for key, value in traits:
        word = key.lower().replace("_", "").replace("-", "").replace(" ", "")
        if word in _NAMING and isinstance(value, str) and len(value.strip()) >= SHORTEST_NAME:
            yield value.strip()
