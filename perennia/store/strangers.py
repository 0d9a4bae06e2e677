"""What devices did whose person is not known: kept as it came, handed over when someone claims the device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Delete, Select, Text, delete, select

from perennia.store.batches import ROWS, as_values, insert, rows_of
from perennia.store.bodies import accepted_of, body
from perennia.store.columns import microseconds
from perennia.store.records import Accepted
from perennia.store.tables import strangers


def keep(connection: Connection, items: Sequence[Accepted], at: datetime) -> None:
    rows = [(item.anonymous_id, item.message_id, microseconds(at), body(item)) for item in items]
    insert(connection, strangers, ("anonymous_id", "message_id", "at", "body"), rows)


def of_devices(connection: Connection, anonymous_ids: Sequence[str]) -> dict[str, list[Accepted]]:
    """All that these devices did, by anonymous id, in the order it came."""
    found: dict[str, list[Accepted]] = {}
    if anonymous_ids:
        rows = connection.execute(_of_devices(connection.dialect.name), {ROWS: as_values(anonymous_ids)})
        for row in rows:
            found.setdefault(row.anonymous_id, []).append(accepted_of(row.body))
    return found


def hand_over(connection: Connection, anonymous_ids: Sequence[str]) -> None:
    """Forgets what these devices did here: it belongs to customers now."""
    if anonymous_ids:
        connection.execute(_hand_over(connection.dialect.name), {ROWS: as_values(anonymous_ids)})


@cache
def _of_devices(dialect: str) -> Select[*tuple[object, ...]]:
    devices = rows_of(dialect, ("anonymous_id", Text)).subquery("devices")
    return (
        select(strangers.c.anonymous_id, strangers.c.body)
        .where(strangers.c.anonymous_id.in_(select(devices.c.anonymous_id)))
        .order_by(strangers.c.id)
    )


@cache
def _hand_over(dialect: str) -> Delete:
    devices = rows_of(dialect, ("anonymous_id", Text)).subquery("devices")
    return delete(strangers).where(strangers.c.anonymous_id.in_(select(devices.c.anonymous_id)))
