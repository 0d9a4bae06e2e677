"""What people look at: customers, their journals, tasks."""

from __future__ import annotations

from sqlalchemy import JSON, ColumnElement, Connection, Row, Text, and_, case, func, or_, select, tuple_

from perennia.core.definitions import Scope
from perennia.core.state import CustomerState
from perennia.store.bodies import email_in, entry_of, state_of
from perennia.store.port import UnknownCustomer
from perennia.store.records import CustomerSummary, JournalRow
from perennia.store.tables import customers, identities, journal

_account = customers.alias("accounts")
_is_kept = customers.c.erased_at.is_(None)
_summaries = select(
    customers.c.id,
    customers.c.kind,
    customers.c.external_id,
    select(_account.c.external_id).where(_account.c.id == customers.c.account).scalar_subquery().label("account"),
    customers.c.state,
    customers.c.wake_at,
    customers.c.first_seen,
)


def find(connection: Connection, reference: str, kind: Scope | None) -> str:
    """`Store.find`: an internal id, a contact's external id or alias, an account's; in this order where several fit."""
    current = func.coalesce(customers.c.merged_into, customers.c.id)
    kinds = ("contact", "account") if kind is None else (kind,)
    is_named = and_(customers.c.kind.in_(kinds), customers.c.external_id == reference)
    is_it = or_(and_(customers.c.id == reference, customers.c.kind.in_(kinds)), is_named)
    order = (case((customers.c.id == reference, 0), else_=1), customers.c.kind.desc())
    found = connection.scalar(select(current).where(is_it, _is_kept).order_by(*order).limit(1))
    if found is None and kind != "account":
        is_alias = and_(identities.c.value == reference, identities.c.scope == "contact")
        found = connection.scalar(select(identities.c.customer).where(is_alias))
    if found is None:
        raise UnknownCustomer(f"no {kind or 'customer'} {reference!r}")
    return found


def list_customers(connection: Connection, limit: int, after: str | None) -> list[CustomerSummary]:
    """`Store.customers`: in the order in which they were first seen."""
    order = (customers.c.first_seen, customers.c.id)
    statement = _summaries.where(customers.c.merged_into.is_(None), _is_kept).order_by(*order).limit(limit)
    if after is not None:
        last = customers.alias("last")
        position = select(last.c.first_seen, last.c.id).where(last.c.id == after).scalar_subquery()
        statement = statement.where(tuple_(*order) > position)
    return [_summary(row)[0] for row in connection.execute(statement)]


def show_customer(connection: Connection, customer: str) -> tuple[CustomerSummary, CustomerState | None]:
    """`Store.customer`. Raises `UnknownCustomer`."""
    row = connection.execute(_summaries.where(customers.c.id == customer, _is_kept)).one_or_none()
    if row is None:
        raise UnknownCustomer(f"no customer with the internal id {customer!r}")
    return _summary(row)


def _summary(row: Row[*tuple[object, ...]]) -> tuple[CustomerSummary, CustomerState | None]:
    state = None if row.state is None else state_of(row.state)
    summary = CustomerSummary(
        id=row.id,
        kind=row.kind,
        external_id=row.external_id,
        account=row.account,
        email=None if state is None else email_in(state.facts.traits),
        stages={} if state is None else {track: at.stage for track, at in state.stages.items()},
        enrollments=() if state is None else tuple(each.playbook for each in state.enrollments),
        wake_at=row.wake_at,
        first_seen=row.first_seen,
    )
    return summary, state


def read_journal(
    connection: Connection, customer: str, limit: int, subject: str | None = None, step: str | None = None
) -> list[JournalRow]:
    """`Store.journal`: the last ``limit`` entries, in the order in which they were decided."""
    last = select(journal).where(journal.c.customer == customer).order_by(journal.c.id.desc()).limit(limit)
    if subject is not None:
        track = _in_body(connection.dialect.name, "detail", "track")
        last = last.where(or_(journal.c.playbook == subject, track == subject))
    if step is not None:
        last = last.where(_in_body(connection.dialect.name, "step") == step)
    rows = connection.execute(last).all()
    return [JournalRow(id=row.id, customer=row.customer, entry=entry_of(row.body)) for row in reversed(rows)]


def _in_body(dialect: str, *keys: str) -> ColumnElement[str]:
    """What a journal entry's JSON says under these keys."""
    if dialect == "sqlite":
        return func.json_extract(journal.c.body, f"$.{'.'.join(keys)}", type_=Text())
    return func.json_extract_path_text(journal.c.body.cast(JSON), *keys, type_=Text())
