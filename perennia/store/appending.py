"""Appending inputs to locked customers: any number of rows in two statements."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import msgspec
from sqlalchemy import BigInteger, Connection, Text, Update, bindparam, case, func, update

from perennia.core.decisions import CustomerEvent, Input
from perennia.store.batches import ROWS, Row, as_rows, insert, rows_of
from perennia.store.bodies import body, storable
from perennia.store.columns import microseconds
from perennia.store.locking import RUNG, LockedCustomer
from perennia.store.prepared import execute
from perennia.store.tables import customers, inputs


class Appending:
    """Collects what a transaction adds to customers it has locked; `write` writes all of it."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._rows: list[Row] = []
        self._touched: dict[str, LockedCustomer] = {}

    def append(
        self, customer: LockedCustomer, each: Input, message_id: str | None = None, *, past: bool = False
    ) -> None:
        """Adds the input with the customer's next ``seq``. Rings no bell."""
        numbered = msgspec.structs.replace(each, seq=customer.next_seq)
        name = storable(each.name) if isinstance(each, CustomerEvent) else None
        self._rows.append((customer.id, customer.next_seq, message_id, name, past, body(numbered)))
        customer.next_seq += 1
        self.touch(customer)

    def touch(self, customer: LockedCustomer) -> None:
        """Has the customer's row written: bell, address, account."""
        self._touched[customer.id] = customer

    def write(self, connection: Connection) -> tuple[str, ...]:
        """Writes inputs and rows. Returns the customers whose bell this transaction has rung."""
        insert(connection, inputs, ("customer", "seq", "message_id", "name", "past", "body"), self._rows)
        if self._touched:
            rows = [(c.id, c.next_seq, c.bell, c.address, c.account) for c in self._touched.values()]
            parameters = {ROWS: as_rows(rows), "at": microseconds(self._at)}
            execute(connection, _update_touched(connection.dialect.name), parameters)
        return tuple(c.id for c in self._touched.values() if c.bell == RUNG and c.bell_before != RUNG)


@cache
def _update_touched(dialect: str) -> Update:
    new = rows_of(
        dialect, ("id", Text), ("next_seq", BigInteger), ("bell", BigInteger), ("address", Text), ("account", Text)
    ).subquery("new")
    since = func.coalesce(customers.c.rung_at, bindparam("at", type_=BigInteger))
    return (
        update(customers)
        .where(customers.c.id == new.c.id)
        .values(
            next_seq=new.c.next_seq,
            bell=new.c.bell,
            rung_at=case((new.c.bell > 0, since)),
            address=func.coalesce(new.c.address, customers.c.address),
            account=new.c.account,
        )
    )
