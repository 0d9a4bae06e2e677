"""From names to customers: external ids, aliases and anonymous ids; unknown external ids become customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import CompoundSelect, Connection, Insert, Text, and_, func, select, text, union_all

from perennia.core.definitions import Scope
from perennia.store.batches import ROWS, as_rows, insert_rows, rows_of, upsert_rows
from perennia.store.columns import microseconds
from perennia.store.customer_ids import new_id
from perennia.store.locking import RUNG, LockedCustomer
from perennia.store.prepared import execute
from perennia.store.tables import customers, identities

ANONYMOUS = "anonymous"

# One lock for all anonymous ids: "did somebody claim this device meanwhile" has no row to lock. Taken only where a post
# holds an anonymous id that nobody has claimed, or claims one. The number only has to be nobody else's.
_DEVICES_LOCK = 73736643


class Name(NamedTuple):
    """``scope``: ``contact``, ``account`` or ``anonymous``."""

    scope: str
    value: str


def resolve(connection: Connection, names: Iterable[Name]) -> dict[Name, str]:
    """The internal ids of those that are known, merged customers as the one they were merged into."""
    wanted = list(names)
    if not wanted:
        return {}
    rows = execute(connection, _resolve(connection.dialect.name), {ROWS: as_rows(wanted)})
    return {Name(row.scope, row.value): row.customer for row in rows}


@cache
def _resolve(dialect: str) -> CompoundSelect[*tuple[object, ...]]:
    wanted = rows_of(dialect, ("scope", Text), ("value", Text)).subquery("wanted")
    as_customer = and_(customers.c.kind == wanted.c.scope, customers.c.external_id == wanted.c.value)
    as_other = and_(identities.c.scope == wanted.c.scope, identities.c.value == wanted.c.value)
    of_customer = func.coalesce(customers.c.merged_into, customers.c.id).label("customer")
    return union_all(
        select(wanted.c.scope, wanted.c.value, of_customer).join(customers, as_customer),
        select(wanted.c.scope, wanted.c.value, identities.c.customer).join(identities, as_other),
    )


def make(connection: Connection, names: Sequence[Name], at: datetime) -> dict[Name, LockedCustomer]:
    """Makes customers of these external ids, their bells rung. Leaves out those that another transaction just made."""
    if not names:
        return {}
    first_seen = microseconds(at)
    # In one order everywhere: whoever makes the same customers at the same time waits, and not in a circle.
    ids = ((new_id(name.scope), name) for name in sorted(names))
    rows = [(id_, name.scope, name.value, RUNG, first_seen, first_seen) for id_, name in ids]
    made = execute(connection, _make(connection.dialect.name), {ROWS: as_rows(rows)})
    return {Name(row.kind, row.external_id): _new(row.id, row.kind, row.external_id) for row in made}


@cache
def _make(dialect: str) -> Insert:
    names = ("id", "kind", "external_id", "bell", "rung_at", "first_seen")
    ignoring = insert_rows(dialect, customers, names, ignore_known=True)
    return ignoring.returning(customers.c.id, customers.c.kind, customers.c.external_id)


def _new(internal: str, kind: Scope, external: str) -> LockedCustomer:
    return LockedCustomer(
        id=internal,
        kind=kind,
        external_id=external,
        account=None,
        next_seq=1,
        bell=RUNG,
        bell_before=0,
        is_new=True,
    )


def lock_devices(connection: Connection) -> None:
    """Nobody else claims an anonymous id, or stores a stranger's item, until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _DEVICES_LOCK})


def point(connection: Connection, names: Sequence[tuple[Name, str]]) -> None:
    """Makes these names mean these customers (internal ids) from here on."""
    if names:
        rows = [(name.scope, name.value, customer) for name, customer in names]
        statement = upsert_rows(connection.dialect.name, identities, ("scope", "value", "customer"), ("scope", "value"))
        execute(connection, statement, {ROWS: as_rows(rows)})
