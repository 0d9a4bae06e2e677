"""Everything of one kind, a page at a time, as rows that a file can hold."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Connection, and_, or_, select

from perennia.core.decisions import CustomerEvent
from perennia.core.json_values import JsonObject
from perennia.store.bells import ALIVE
from perennia.store.bodies import input_of, state_of
from perennia.store.import_records import ExtractKind, ExtractPage
from perennia.store.suppressing import listed
from perennia.store.tables import consents, customers, inputs, messages

_Rows: TypeAlias = tuple[list[JsonObject], str | None]
_account = customers.alias("accounts")
_account_name = select(_account.c.external_id).where(_account.c.id == customers.c.account).scalar_subquery()
_MESSAGE: Final = (
    *("key", "playbook", "step", "template", "topic", "status", "reason"),
    *("provider", "provider_id", "address", "released_at", "ended_at"),
)


def extract_page(connection: Connection, kind: ExtractKind, after: str | None, size: int) -> ExtractPage:
    """`Store.extract_page`."""
    match kind:
        case "customers" | "accounts":
            rows, last = _people(connection, "contact" if kind == "customers" else "account", after, size)
        case "events":
            rows, last = _events(connection, after, size)
        case "messages":
            rows, last = _messages(connection, after, size)
        case "consents":
            rows, last = _consents(connection, after, size)
        case "suppressions":
            closed = listed(connection, size, after)
            rows = [msgspec.to_builtins(each) for each in closed]
            last = closed[-1].address if len(closed) == size else None
    return ExtractPage(rows=tuple(rows), after=last)


def _people(connection: Connection, kind: str, after: str | None, size: int) -> _Rows:
    columns = (customers.c.id, customers.c.external_id, customers.c.first_seen, customers.c.state)
    page = select(*columns, _account_name.label("account")).where(
        customers.c.kind == kind, ALIVE, customers.c.id > (after or "")
    )
    found = connection.execute(page.order_by(customers.c.id).limit(size)).all()
    rows: list[JsonObject] = []
    for row in found:
        told: JsonObject = {"id": row.external_id}
        if kind == "contact":
            told["account"] = row.account
        told["first_seen"] = _plain(row.first_seen)
        told["traits"] = {} if row.state is None else {**state_of(row.state).facts.traits}
        rows.append(told)
    return rows, found[-1].id if len(found) == size else None


def _events(connection: Connection, after: str | None, size: int) -> _Rows:
    """What was told from outside: copies at accounts, and events that playbooks raised, have no sender's id."""
    columns = (inputs.c.customer, inputs.c.seq, inputs.c.message_id, inputs.c.body)
    page = (
        select(*columns, customers.c.kind, customers.c.external_id)
        .join(customers, customers.c.id == inputs.c.customer)
        .where(inputs.c.name.is_not(None), inputs.c.message_id.is_not(None), ALIVE)
    )
    if after is not None:
        customer, _, seq = after.partition(" ")
        behind = and_(inputs.c.customer == customer, inputs.c.seq > int(seq))
        page = page.where(or_(inputs.c.customer > customer, behind))
    found = connection.execute(page.order_by(inputs.c.customer, inputs.c.seq).limit(size)).all()
    rows: list[JsonObject] = []
    for row in found:
        event = input_of(row.body)
        if isinstance(event, CustomerEvent):
            at = event.at if event.timestamp is None else event.timestamp
            told: JsonObject = {"customer": row.external_id, "event": event.name, "at": _plain(at)}
            rows.append({**told, "message_id": row.message_id, "properties": event.properties})
    return rows, f"{found[-1].customer} {found[-1].seq}" if len(found) == size else None


def _messages(connection: Connection, after: str | None, size: int) -> _Rows:
    columns = [messages.c[name] for name in _MESSAGE]
    page = select(customers.c.external_id.label("customer"), *columns).join(
        customers, customers.c.id == messages.c.customer
    )
    page = page.where(messages.c.key > (after or "")).order_by(messages.c.key).limit(size)
    found = connection.execute(page).mappings().all()
    rows: list[JsonObject] = [{str(name): _plain(value) for name, value in row.items()} for row in found]
    return rows, str(found[-1]["key"]) if len(found) == size else None


def _consents(connection: Connection, after: str | None, size: int) -> _Rows:
    customer, _, topic = (after or " ").partition(" ")
    behind = or_(consents.c.customer > customer, and_(consents.c.customer == customer, consents.c.topic > topic))
    columns = (consents.c.topic, consents.c.given, consents.c.at, consents.c.source, consents.c.customer.label("of"))
    page = select(customers.c.external_id.label("customer"), *columns).join(
        customers, customers.c.id == consents.c.customer
    )
    page = page.where(behind, ALIVE).order_by(consents.c.customer, consents.c.topic).limit(size)
    found = connection.execute(page).mappings().all()
    rows: list[JsonObject] = [
        {str(name): _plain(value) for name, value in row.items() if name != "of"} for row in found
    ]
    return rows, f"{found[-1]['of']} {found[-1]['topic']}" if len(found) == size else None


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
