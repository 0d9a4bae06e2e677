"""Rows of a ledger: what messages and what other systems are told have in common.

``reserved -> sending -> sent | skipped | failed | unknown``, one row per idempotency key.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Label, Table, Update, bindparam, case, func, or_, select, update

from perennia.core.decisions import EffectEnded
from perennia.core.json_values import JsonObject
from perennia.store.columns import Instant
from perennia.store.locking import FLAGGED
from perennia.store.orders import append_one
from perennia.store.prepared import execute
from perennia.store.records import SendStatus
from perennia.store.tables import customers, playbook_orders

PAUSE: Final = "pause"
# What is told of a row that was changed; only messages are placed on a day.
_AFTERWARDS: Final = ("key", "placed_on")


class AlreadyEnded(Exception):
    """The key has ended before. Leaves the transaction, which thereby changes nothing."""


# --- claiming -------------------------------------------------------------------------------------------------------


class _Facts(msgspec.Struct):
    traits: JsonObject = {}
    account: JsonObject | None = None


class _Enrollment(msgspec.Struct):
    id: str
    paused: bool = False
    awaiting: str | None = None


class StatePart(msgspec.Struct):
    """The part of a customer's state that a claim looks at."""

    facts: _Facts
    enrollments: list[_Enrollment] = []

    def waiting_for(self, key: str) -> list[str]:
        """The enrollments that wait for the end of this effect."""
        return [each.id for each in self.enrollments if each.awaiting == key]

    def pauses(self, enrollment: str) -> bool:
        return any(each.paused for each in self.enrollments if each.id == enrollment)


_decode = msgspec.json.Decoder(StatePart).decode


def state_part(text: str | None) -> StatePart:
    return StatePart(facts=_Facts()) if text is None else _decode(text)


def last_order(ledger: Table) -> Label[str | None]:
    """The column ``ordered``: the last word by which the row's playbook was paused or resumed for everybody."""
    # Not `in_`: a prepared statement has no lists.
    steers = or_(*(playbook_orders.c.word == each for each in (PAUSE, "resume", "skip")))
    return (
        select(playbook_orders.c.word)
        .where(playbook_orders.c.playbook == ledger.c.playbook, steers)
        .order_by(playbook_orders.c.number.desc())
        .limit(1)
        .scalar_subquery()
        .label("ordered")
    )


def claim_row(connection: Connection, ledger: Table, key: str, values: Mapping[str, object]) -> None:
    """``reserved`` becomes ``sending``, at the instant ``at`` among the values; any other status stays."""
    others = tuple(sorted(values.keys() - {"at"}))
    execute(connection, _claim(ledger, others), {"claimed": key, **values})


@cache
def _claim(ledger: Table, others: tuple[str, ...]) -> Update:
    return (
        update(ledger)
        .where(ledger.c.key == bindparam("claimed"), ledger.c.status == SendStatus.RESERVED)
        .values(status=SendStatus.SENDING, claimed_at=bindparam("at", type_=Instant()))
        .values({name: bindparam(name) for name in others})
    )


def release_row(connection: Connection, ledger: Table, key: str) -> Any:
    """``sending`` becomes ``reserved``; any other status stays. The row as it is then (`_AFTERWARDS`), None where it stayed."""
    is_sending = (ledger.c.key == key) & (ledger.c.status == SendStatus.SENDING)
    released = update(ledger).where(is_sending).values(status=SendStatus.RESERVED, claimed_at=None)
    return connection.execute(released.returning(*_afterwards(ledger))).one_or_none()


# --- ending ---------------------------------------------------------------------------------------------------------


def end_row(
    connection: Connection, ledger: Table, key: str, ended: EffectEnded, values: Mapping[str, str | None]
) -> Any:
    """Ends the row with ``values`` besides the reason, and appends ``ended`` as an input, with the bell flag set.

    Returns the row as it is then (`_AFTERWARDS`). Raises `AlreadyEnded`, also where nothing is known of the key.
    """
    # The customer first, as in a turn, so that the two do not wait for each other.
    owners = execute(connection, _take_seq(ledger), {"key": key, "at": ended.at})
    if not owners:
        raise AlreadyEnded
    written = {"ended": key, "reason": ended.reason, "at": ended.at, **values}
    rows = execute(connection, _end(ledger, tuple(values)), written)
    if not rows:
        raise AlreadyEnded
    customer, seq = owners[0]
    append_one(connection, customer, seq, ended)
    return rows[0]


@cache
def _take_seq(ledger: Table) -> Update:
    customer_of = select(ledger.c.customer).where(ledger.c.key == bindparam("key")).scalar_subquery()
    return (
        update(customers)
        .where(customers.c.id == customer_of)
        .values(
            next_seq=customers.c.next_seq + 1,
            bell=case((customers.c.bell < FLAGGED, FLAGGED), else_=customers.c.bell),
            rung_at=func.coalesce(customers.c.rung_at, bindparam("at", type_=Instant())),
        )
        .returning(customers.c.id, (customers.c.next_seq - 1).label("seq"))
    )


@cache
def _end(ledger: Table, names: tuple[str, ...]) -> Update:
    return (
        update(ledger)
        .where(ledger.c.key == bindparam("ended"), ledger.c.ended_at.is_(None))
        .values(
            reason=bindparam("reason"),
            ended_at=bindparam("at", type_=Instant()),
            **{name: bindparam(name) for name in names},
        )
        .returning(*_afterwards(ledger))
    )


def _afterwards(ledger: Table) -> list[Column[Any]]:
    return [ledger.c[name] for name in _AFTERWARDS if name in ledger.c]
