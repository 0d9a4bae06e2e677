"""Customers beside their records in the CRM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, or_, select

from perennia.core.agreement import Seen
from perennia.core.decisions import TraitsChanged
from perennia.core.definitions import Scope
from perennia.core.json_values import JsonObject
from perennia.store.bells import ALIVE
from perennia.store.bodies import body, input_of, storable
from perennia.store.crm_records import CrmLink, CrmNote, CrmSide, LinkState
from perennia.store.crm_tables import crm_calls, crm_links, crm_notes
from perennia.store.driver import insert_into
from perennia.store.tables import customers, inputs

_account = customers.alias("accounts")
_seen_of = msgspec.json.Decoder(Seen).decode


class _Facts(msgspec.Struct):
    traits: JsonObject = {}


class _Known(msgspec.Struct):
    """The part of a customer's state that is compared."""

    facts: _Facts


_known_of = msgspec.json.Decoder(_Known).decode


def sides(connection: Connection, crm: str, kind: Scope, after: str, limit: int) -> list[CrmSide]:
    """`CrmMemory.crm_sides`."""
    page = _sides(crm, kind).where(customers.c.id > after).order_by(customers.c.id).limit(limit)
    return _read(connection, page)


def sides_of(
    connection: Connection, crm: str, kind: Scope, records: Sequence[str], refs: Sequence[str], addresses: Sequence[str]
) -> list[CrmSide]:
    """`CrmMemory.crm_sides_of`."""
    named: list[ColumnElement[bool]] = []
    if records:
        named.append(crm_links.c.record.in_(records))
    if refs:
        named.append(customers.c.external_id.in_([storable(ref) for ref in refs]))
    if addresses:
        named.append(customers.c.address.in_(addresses))
    return _read(connection, _sides(crm, kind).where(or_(*named)).order_by(customers.c.id)) if named else []


def _sides(crm: str, kind: Scope) -> Select[*tuple[object, ...]]:
    is_link = and_(crm_links.c.customer == customers.c.id, crm_links.c.crm == crm)
    account = select(_account.c.external_id).where(_account.c.id == customers.c.account).scalar_subquery()
    return (
        select(
            customers.c.id,
            customers.c.external_id,
            customers.c.address,
            account.label("account"),
            crm_links.c.record,
            crm_links.c.state.label("link_state"),
            crm_links.c.seen,
            crm_links.c.count.label("written"),
            crm_links.c.attempt,
            customers.c.kind,
            customers.c.state,
        )
        .outerjoin(crm_links, is_link)
        .where(customers.c.kind == kind, ALIVE)
    )


def _read(connection: Connection, statement: Select[*tuple[object, ...]]) -> list[CrmSide]:
    rows = connection.execute(statement).all()
    unread = _unread(connection, [row.id for row in rows])
    return [_side(row, unread.get(row.id, [])) for row in rows]


def _unread(connection: Connection, ids: Sequence[str]) -> dict[str, list[JsonObject]]:
    """What was told of them since their last turn, in its order."""
    told: dict[str, list[JsonObject]] = {}
    statement = (
        select(inputs.c.customer, inputs.c.body)
        .join(customers, customers.c.id == inputs.c.customer)
        .where(inputs.c.customer.in_(ids), inputs.c.seq > customers.c.cursor, inputs.c.name.is_(None))
        .order_by(inputs.c.customer, inputs.c.seq)
    )
    for row in connection.execute(statement):
        each = input_of(row.body)
        if isinstance(each, TraitsChanged):
            told.setdefault(row.customer, []).append(each.traits)
    return told


def _side(row: Row[*tuple[object, ...]], unread: Sequence[JsonObject]) -> CrmSide:
    traits = {} if row.state is None else _known_of(row.state).facts.traits
    for told in unread:
        traits = {**traits, **told}
    link = None
    if row.link_state is not None:
        link = CrmLink(
            customer=row.id,
            record=row.record,
            state=row.link_state,
            seen=_seen_of(row.seen),
            count=row.written,
            attempt=row.attempt,
        )
    return CrmSide(
        customer=row.id,
        kind=row.kind,
        ref=row.external_id,
        traits={name: value for name, value in traits.items() if value is not None},
        account=row.account,
        address=row.address,
        link=link,
    )


def keep(
    connection: Connection,
    crm: str,
    links: Sequence[CrmLink],
    notes: Mapping[str, str],
    at: datetime,
) -> None:
    """`CrmMemory.keep_crm`."""
    for link in links:
        values = {
            "record": link.record,
            "state": link.state,
            "seen": body(link.seen),
            "count": link.count,
            "attempt": link.attempt,
        }
        # Who was erased meanwhile has no link any more.
        living = select(customers.c.id).where(customers.c.id == link.customer, customers.c.erased_at.is_(None))
        if connection.scalar(living) is not None:
            row = insert_into(connection, crm_links).values(crm=crm, customer=link.customer, **values)
            connection.execute(row.on_conflict_do_update(index_elements=["crm", "customer"], set_=values))
    for name, value in notes.items():
        written = {"value": storable(value), "at": at}
        row = insert_into(connection, crm_notes).values(crm=crm, name=name, **written)
        connection.execute(row.on_conflict_do_update(index_elements=["crm", "name"], set_=written))


def names(connection: Connection) -> list[str]:
    """`CrmMemory.crm_names`."""
    return list(connection.scalars(select(crm_notes.c.crm).distinct().order_by(crm_notes.c.crm)))


def notes_of(connection: Connection, crm: str) -> dict[str, CrmNote]:
    """`CrmMemory.crm_notes`."""
    rows = connection.execute(select(crm_notes).where(crm_notes.c.crm == crm))
    return {row.name: CrmNote(value=row.value, at=row.at) for row in rows}


def counts(connection: Connection, crm: str) -> dict[tuple[Scope, LinkState], int]:
    """`CrmMemory.crm_counts`."""
    statement = (
        select(customers.c.kind, crm_links.c.state, func.count().label("many"))
        .join(crm_links, crm_links.c.customer == customers.c.id)
        .where(crm_links.c.crm == crm)
        .group_by(customers.c.kind, crm_links.c.state)
    )
    return {(cast("Scope", row.kind), cast("LinkState", row.state)): row.many for row in connection.execute(statement)}


def told(connection: Connection, crm: str, kind: Scope, records: Sequence[str], at: datetime) -> None:
    """`CrmMemory.crm_told`."""
    for record in dict.fromkeys(records):
        row = insert_into(connection, crm_calls).values(crm=crm, kind=kind, record=storable(record), at=at)
        connection.execute(row.on_conflict_do_update(index_elements=["crm", "kind", "record"], set_={"at": at}))


def untold(connection: Connection, crm: str, kind: Scope, limit: int) -> list[str]:
    """`CrmMemory.crm_untold`."""
    those = select(crm_calls.c.record).where(crm_calls.c.crm == crm, crm_calls.c.kind == kind)
    return list(connection.scalars(those.order_by(crm_calls.c.at, crm_calls.c.record).limit(limit)))


def heard(connection: Connection, crm: str, kind: Scope, records: Sequence[str], until: datetime) -> None:
    """`CrmMemory.crm_heard`."""
    are_these = and_(crm_calls.c.crm == crm, crm_calls.c.kind == kind, crm_calls.c.record.in_(records))
    connection.execute(delete(crm_calls).where(are_these, crm_calls.c.at <= until))
