"""Everything that is held of one customer, as JSON: every table that refers to customers, whatever comes to be added."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, or_, select

from perennia.core.definitions import Scope
from perennia.core.json_values import Json, JsonObject
from perennia.store.erasing import bodies_of, owned_tables
from perennia.store.privacy_records import Dossier
from perennia.store.reading import find
from perennia.store.suppressing import find as find_suppression
from perennia.store.tables import customers

# Columns that hold JSON, wherever they stand.
_JSON: Final = frozenset(
    {"answers", "body", "enrollments", "proof", "raw", "said", "stages", "state", "variants", "watching"}
)
_EVENT: Final = "event"


def dossier(connection: Connection, reference: str, kind: Scope | None) -> Dossier:
    """`Store.dossier`. Raises `UnknownCustomer`."""
    ids = bodies_of(connection, find(connection, reference, kind))
    found: Dossier = {"customer": _rows(connection, select(customers).where(customers.c.id.in_(ids)))}
    for table, columns in owned_tables():
        is_theirs = or_(*(column.in_(ids) for column in columns))
        found[table.name] = _rows(connection, select(table).where(is_theirs).order_by(*table.primary_key.columns))
    told = found.pop("inputs", [])
    found["events"] = [each for each in told if _type_of(each) == _EVENT]
    found["inputs"] = [each for each in told if _type_of(each) != _EVENT]
    addresses = {str(row["address"]) for row in (*found["customer"], *found["messages"]) if row["address"] is not None}
    closed = (find_suppression(connection, address) for address in sorted(addresses))
    found["suppressions"] = [msgspec.to_builtins(each) for each in closed if each is not None]
    return {name: rows for name, rows in found.items() if rows}


def _type_of(row: JsonObject) -> Json:
    text = row["body"]
    return text.get("type") if isinstance(text, dict) else None


def _rows(connection: Connection, statement: Any) -> list[JsonObject]:
    rows = connection.execute(statement).mappings()
    return [{str(name): _plain(str(name), value) for name, value in row.items()} for row in rows]


def _plain(name: str, value: Any) -> Json:
    if isinstance(value, str) and name in _JSON:
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return msgspec.to_builtins(value)
