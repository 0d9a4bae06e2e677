"""Locked customers: whose row a transaction holds, and what it will write to it.

Every transaction locks customers in the same order, accounts before contacts and each by id, so that none waits for
another in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Row, Select, Text, select, union

from perennia.core.definitions import Scope
from perennia.store.batches import ROWS, as_values, rows_of
from perennia.store.bodies import tokens_of
from perennia.store.prepared import execute
from perennia.store.tables import customers

QUIET, FLAGGED, RUNG = 0, 1, 2


@dataclass(eq=False)
class LockedCustomer:
    """A customer's row under lock. ``account`` is an internal id; ``watching`` holds tokens. ``is_over``: merged or erased.

    The rest is what this transaction adds: ``is_new`` (it made the row), ``bell`` as it will be, ``address`` and
    ``account`` where they changed.
    """

    id: str
    kind: Scope
    external_id: str
    account: str | None
    next_seq: int
    bell: int
    bell_before: int
    watching: frozenset[str] = frozenset()
    is_over: bool = False
    is_new: bool = False
    address: str | None = None

    def ring(self, bell: int = RUNG) -> None:
        self.bell = max(self.bell, bell)


_COLUMNS = (
    customers.c.id,
    customers.c.kind,
    customers.c.external_id,
    customers.c.account,
    customers.c.next_seq,
    customers.c.bell,
    customers.c.watching,
    customers.c.merged_into,
    customers.c.erased_at,
)


def lock_with_accounts(connection: Connection, ids: Sequence[str]) -> dict[str, LockedCustomer]:
    """Locks these customers and the accounts that contacts among them belong to."""
    if not ids:
        return {}
    rows = execute(connection, _with_accounts(connection.dialect.name), {ROWS: as_values(ids)})
    return {row.id: _locked(row) for row in rows}


def lock_alive(connection: Connection, ids: Sequence[str]) -> dict[str, LockedCustomer]:
    """Locks those of these customers who take turns: neither merged nor erased."""
    rows = execute(connection, _alive(connection.dialect.name), {ROWS: as_values(ids)})
    return {row.id: _locked(row) for row in rows}


@cache
def _alive(dialect: str) -> Select[*tuple[object, ...]]:
    named = rows_of(dialect, ("id", Text)).subquery("named")
    return (
        select(*_COLUMNS)
        .where(
            customers.c.id.in_(select(named.c.id)), customers.c.merged_into.is_(None), customers.c.erased_at.is_(None)
        )
        .order_by(customers.c.kind, customers.c.id)
        .with_for_update()
    )


@cache
def _with_accounts(dialect: str) -> Select[*tuple[object, ...]]:
    named = rows_of(dialect, ("id", Text)).subquery("named")
    theirs = select(customers.c.account).where(customers.c.id.in_(select(named.c.id)), customers.c.account.is_not(None))
    return (
        select(*_COLUMNS)
        .where(customers.c.id.in_(union(select(named.c.id), theirs)))
        .order_by(customers.c.kind, customers.c.id)
        .with_for_update()
    )


def _locked(row: Row[*tuple[object, ...]]) -> LockedCustomer:
    return LockedCustomer(
        id=row.id,
        kind=row.kind,
        external_id=row.external_id,
        account=row.account,
        next_seq=row.next_seq,
        bell=row.bell,
        bell_before=row.bell,
        watching=tokens_of(row.watching),
        is_over=row.merged_into is not None or row.erased_at is not None,
    )
