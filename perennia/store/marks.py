"""Marks: salted hashes of the names that erased customers had.

With a name in hand one can tell whether it was erased; from a mark nobody reads a name. The salt is the store's own, so two
installations mark one address differently.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, Delete, Select, Text, delete, insert, select

from perennia.store.batches import ROWS, as_rows, as_values, rows_of, upsert_rows
from perennia.store.columns import microseconds
from perennia.store.identities import Name
from perennia.store.prepared import execute
from perennia.store.privacy_tables import erased_marks, erasure_salt

# Scopes of names that are no customer's (`Name.scope` is contact, account or anonymous else).
ADDRESS: Final = "address"
REFERENCE: Final = "reference"

_SALT = "perennia.erasure_salt"
_find_salt = select(erasure_salt.c.salt)


class Mark(NamedTuple):
    """When the name was erased; of an address that was suppressed, why and since when."""

    at: datetime
    reason: str | None = None
    closed_at: datetime | None = None


def erased_among(connection: Connection, names: Collection[Name]) -> dict[Name, Mark]:
    """Those of the names that an erased customer had, as far as they were not told anew. One statement; none without names."""
    if not names or (salt := _salt(connection)) is None:
        return {}
    by_mark = {_mark(salt, name): name for name in names}
    rows = execute(connection, _find(connection.dialect.name), {ROWS: as_values(list(by_mark))})
    return {by_mark[row.mark]: Mark(row.at, row.reason, row.closed_at) for row in rows}


def remember(connection: Connection, marks: Mapping[Name, Mark]) -> None:
    """Marks these names from here on."""
    salt = _salt(connection) or _make_salt(connection)
    if marks:
        rows = [
            (_mark(salt, name), microseconds(each.at), each.reason, each.closed_at and microseconds(each.closed_at))
            for name, each in marks.items()
        ]
        columns = ("mark", "at", "reason", "closed_at")
        statement = upsert_rows(connection.dialect.name, erased_marks, columns, ("mark",))
        execute(connection, statement, {ROWS: as_rows(rows)})


def forget(connection: Connection, names: Iterable[Name]) -> None:
    """These names are somebody's again."""
    salt, wanted = _salt(connection), list(names)
    if salt is not None and wanted:
        rows = as_values([_mark(salt, name) for name in wanted])
        execute(connection, _forget(connection.dialect.name), {ROWS: rows})


def _mark(salt: str, name: Name) -> str:
    return hmac.new(salt.encode(), f"{name.scope}\0{name.value}".encode(), hashlib.sha256).hexdigest()


def _salt(connection: Connection) -> str | None:
    """None: nobody was ever erased here. Kept with the connection once it is known: it never changes."""
    known: str | None = connection.info.get(_SALT)
    if known is None:
        found = execute(connection, _find_salt, {})
        known = found[0].salt if found else None
        connection.info[_SALT] = known
    return known


def _make_salt(connection: Connection) -> str:
    """Two first erasures at once: the lock on the table lets one of them make it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE erasure_salt IN EXCLUSIVE MODE")
    salt = connection.scalar(_find_salt)
    if salt is None:
        salt = secrets.token_hex(32)
        connection.execute(insert(erasure_salt).values(salt=salt))
    return salt


@cache
def _find(dialect: str) -> Select[*tuple[object, ...]]:
    wanted = rows_of(dialect, ("mark", Text)).subquery("wanted")
    return select(erased_marks).join(wanted, wanted.c.mark == erased_marks.c.mark)


@cache
def _forget(dialect: str) -> Delete:
    wanted = rows_of(dialect, ("mark", Text)).subquery("wanted")
    return delete(erased_marks).where(erased_marks.c.mark.in_(select(wanted.c.mark)))
