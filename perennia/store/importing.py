"""Events of former times: in the customers' past from the start, and counted anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, Text, cast, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import JSONB

from perennia.core.decisions import CustomerEvent
from perennia.store.appending import Appending
from perennia.store.arrivals import look_up
from perennia.store.bodies import body
from perennia.store.cast import assemble
from perennia.store.columns import Instant
from perennia.store.driver import insert_into
from perennia.store.identities import Name
from perennia.store.import_records import ImportState, RefusedRow
from perennia.store.merging import RECOUNT
from perennia.store.records import Accepted, Receipt
from perennia.store.tables import customers, metadata

# How far imports are, so that one that was broken off goes on where it was.
imports = Table(
    "imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("bad", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("cursor", Text),
    Column("began", Instant),
    Column("failure", Text),
    Column("refused", Text, nullable=False, server_default="[]"),
)
_refused_of = msgspec.json.Decoder(tuple[RefusedRow, ...]).decode


def accept_past(connection: Connection, items: Sequence[Accepted], at: datetime) -> Receipt:
    """`Store.accept_past`."""
    cast_ = assemble(connection, items, at)
    seen, _ = look_up(connection, list({item.message_id for item in items}))
    appending = Appending(at)
    counted: set[str] = set()
    duplicates = 0
    for item in cast_.items:
        if item.message_id in seen:
            duplicates += 1
            continue
        seen.add(item.message_id)
        customer = cast_.by_name[Name(item.kind, item.external_id or "")]
        event = item.input
        if not isinstance(event, CustomerEvent):
            raise TypeError(f"{item.message_id} is no event")
        appending.append(customer, event, item.message_id, past=True)
        counted.add(customer.id)
        customer.ring()
        if customer.account is not None:
            account = cast_.by_id[customer.account]
            properties = {**event.properties, "contact": customer.external_id}
            appending.append(account, msgspec.structs.replace(event, properties=properties), past=True)
            counted.add(account.id)
            account.ring()
    rung = appending.write(connection)
    _recount(connection, counted)
    return Receipt(accepted=len(items) - duplicates, duplicates=duplicates, rejected=0, rung=rung)


def _recount(connection: Connection, ids: Iterable[str]) -> None:
    """Their next turn counts the past anew. Who never had a turn counts it in any case."""
    if connection.dialect.name == "sqlite":
        state = func.json_set(customers.c.state, "$.tallied", RECOUNT)
    else:
        path, value = literal_column("'{tallied}'", Text), literal_column(f"'\"{RECOUNT}\"'::jsonb", JSONB)
        state = cast(func.jsonb_set(cast(customers.c.state, JSONB), path, value), Text)
    has_state = customers.c.id.in_(sorted(ids)) & customers.c.state.is_not(None)
    connection.execute(update(customers).where(has_state).values(state=state))


def import_state(connection: Connection, id_: str) -> ImportState | None:
    """`Store.import_state`."""
    row = connection.execute(select(imports).where(imports.c.id == id_)).mappings().one_or_none()
    if row is None:
        return None
    refused = _refused_of(row["refused"])
    return ImportState(**{name: value for name, value in row.items() if name != "refused"}, refused=refused)


def note_import(connection: Connection, state: ImportState) -> None:
    """`Store.note_import`."""
    values = {**msgspec.structs.asdict(state), "refused": body(state.refused)}
    statement = insert_into(connection, imports).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
