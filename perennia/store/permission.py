"""Consents and suppressions. Each change leaves a line in the audit log: proof of who said what, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from perennia.core.deliberation import PERMISSION
from perennia.core.json_values import JsonObject
from perennia.store.audit_log import write_audit
from perennia.store.bodies import normal_address, storable
from perennia.store.columns import Instant
from perennia.store.locking import RUNG
from perennia.store.page import lock_customer
from perennia.store.port import UnknownCustomer
from perennia.store.records import AuditEntry
from perennia.store.tables import consents, customers, suppressions


def consents_of(connection: Connection, customer: str) -> dict[str, bool]:
    """`Store.consents`."""
    said = select(consents.c.topic, consents.c.given).where(consents.c.customer == _living(connection, customer))
    return {row.topic: row.given for row in connection.execute(said)}


def _living(connection: Connection, customer: str) -> str:
    """Who the customer is by now: links in old messages name the one that was merged into another since."""
    living = select(func.coalesce(customers.c.merged_into, customers.c.id)).where(
        customers.c.id == customer, customers.c.erased_at.is_(None)
    )
    found = connection.scalar(living)
    if found is None:
        raise UnknownCustomer(f"no customer with the internal id {customer!r}")
    return found


def consent(connection: Connection, customer: str, topic: str, at: datetime, source: str, *, given: bool) -> bool:
    """`Store.consent`, under the customer's lock: a turn sees all of it or nothing."""
    customer = _living(connection, customer)
    lock_customer(connection, customer)
    is_this = (consents.c.customer == customer) & (consents.c.topic == topic)
    if connection.scalar(select(consents.c.given).where(is_this)) is given:
        return False
    insert_into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    said = {"given": given, "at": at, "source": source}
    statement = insert_into(consents).values(customer=customer, topic=topic, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["customer", "topic"], set_=said))
    detail: JsonObject = {"topic": topic, "given": given}
    write_audit(connection, AuditEntry(at=at, by=source, action="consent", subject=customer, detail=detail))
    if not given:
        _ring(connection, customers.c.id == customer, at)
    return True


def suppress(connection: Connection, address: str, reason: str, at: datetime) -> bool:
    """`Store.suppress`. The first reason stays."""
    insert_into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = insert_into(suppressions).values(address=normal_address(address), reason=storable(reason), at=at)
    added = connection.execute(row.on_conflict_do_nothing().returning(suppressions.c.address))
    if added.one_or_none() is None:
        return False
    _ring(connection, customers.c.address == normal_address(address), at)
    return True


def _ring(connection: Connection, who: ColumnElement[bool], at: datetime) -> None:
    """Those for whom a message is held are looked at now, not only when it could leave."""
    waits = customers.c.watching.contains(f'"{PERMISSION}"')
    rung_at = func.coalesce(customers.c.rung_at, bindparam("rung", at, type_=Instant()))
    alive = customers.c.merged_into.is_(None)
    connection.execute(update(customers).where(who, alive, waits).values(bell=RUNG, rung_at=rung_at))
