"""Orders: inputs that people, the API and tasks give one customer; and how far a customer has read."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from perennia.core.decisions import ApprovalEnded, Input, SurveyAnswered, TaskEnded
from perennia.store.bodies import body, storable
from perennia.store.columns import Instant
from perennia.store.locking import RUNG
from perennia.store.page import lock_customer
from perennia.store.port import OtherWork, UnknownCustomer
from perennia.store.prepared import execute
from perennia.store.records import WorkKind
from perennia.store.responses import keep_response
from perennia.store.tables import customers, inputs, tasks

_take_seq = (
    update(customers)
    .where(customers.c.id == bindparam("customer"), customers.c.merged_into.is_(None), customers.c.erased_at.is_(None))
    .values(
        next_seq=customers.c.next_seq + 1,
        bell=bindparam("bell"),
        rung_at=func.coalesce(customers.c.rung_at, bindparam("at", type_=Instant())),
    )
    .returning((customers.c.next_seq - 1).label("seq"))
)
_append = insert(inputs).values({name: bindparam(name) for name in ("customer", "seq", "message_id", "body")})


def place_order(connection: Connection, customer: str, order: Input, message_id: str | None = None) -> int:
    """`Store.place_order`."""
    if message_id is not None:
        lock_customer(connection, customer)
        known = connection.execute(
            select(inputs.c.customer, inputs.c.seq).where(inputs.c.message_id == storable(message_id))
        ).one_or_none()
        if known is not None:
            return known.seq if known.customer == customer else 0
    taken = execute(connection, _take_seq, {"customer": customer, "bell": RUNG, "at": order.at})
    if not taken:
        raise UnknownCustomer(f"no customer with the internal id {customer!r}")
    seq: int = taken[0].seq
    append_one(connection, customer, seq, order, message_id)
    if isinstance(order, SurveyAnswered) and order.contact is None:
        keep_response(connection, customer, order)
    return seq


def place_order_at_task(connection: Connection, key: str, order: TaskEnded | ApprovalEnded) -> tuple[str, int]:
    """`Store.place_order_at_task`."""
    kind: WorkKind = "task" if isinstance(order, TaskEnded) else "approval"
    found = connection.execute(select(tasks.c.customer, tasks.c.kind).where(tasks.c.key == key)).one_or_none()
    if found is None:
        raise UnknownCustomer(f"no {kind} {key!r}; `perennia {kind}s list` lists them")
    if found.kind != kind:
        raise OtherWork(key, found.kind)
    return found.customer, place_order(connection, found.customer, order)


def append_one(connection: Connection, customer: str, seq: int, each: Input, message_id: str | None = None) -> None:
    text = body(msgspec.structs.replace(each, seq=seq))
    given = message_id and storable(message_id)
    execute(connection, _append, {"customer": customer, "seq": seq, "message_id": given, "body": text})


def cursor(connection: Connection, customer: str) -> int:
    """`Store.cursor`."""
    seq = connection.scalar(select(customers.c.cursor).where(customers.c.id == customer))
    if seq is None:
        raise UnknownCustomer(f"no customer with the internal id {customer!r}")
    return seq
