"""Many rows in one statement: the rows travel as one JSON parameter, read by ``json_each`` or ``json_array_elements``.

Row by row, SQLite and PostgreSQL pay a statement (or a round trip) each; this way a batch of any size costs one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.type_api import TypeEngine

from perennia.store.columns import Instant
from perennia.store.prepared import execute

Row: TypeAlias = Sequence[str | int | bool | None]
ColumnType: TypeAlias = type[TypeEngine[Any]]
_encoder = msgspec.json.Encoder()

# Bind names are fixed: no statement of ours takes two batches.
ROWS = "rows"


def as_rows(rows: Sequence[Row]) -> str:
    """The parameter `ROWS` for these rows. Instants are given as `microseconds`."""
    return _encoder.encode(rows).decode()


def as_values(values: Sequence[str]) -> str:
    """The parameter `ROWS` for rows of one text column."""
    return _encoder.encode([(value,) for value in values]).decode()


@cache
def rows_of(dialect: str, *columns: tuple[str, ColumnType]) -> Select[*tuple[object, ...]]:
    """A SELECT that yields the batch's rows with these columns, in no promised order."""
    parameter = bindparam(ROWS, type_=Text())
    if dialect == "sqlite":
        each = func.json_each(parameter).table_valued("value")
        return select(*(_sqlite_value(each.c.value, i, t).label(n) for i, (n, t) in enumerate(columns)))
    each = func.json_array_elements(cast(parameter, JSON)).table_valued("value")
    return select(*(_postgres_value(each.c.value, i, t).label(n) for i, (n, t) in enumerate(columns)))


def _sqlite_value(row: ColumnElement[object], index: int, of: ColumnType) -> ColumnElement[object]:
    return func.json_extract(row, literal_column(f"'$[{index}]'"), type_=_carrier(of))


def _postgres_value(row: ColumnElement[object], index: int, of: ColumnType) -> ColumnElement[object]:
    return cast(row.op("->>")(literal_column(str(index))), _carrier(of))


def _carrier(of: ColumnType) -> TypeEngine[Any]:
    """Instants travel as the integers they are stored as."""
    return BigInteger() if issubclass(of, Instant) else of()


@cache
def insert_rows(dialect: str, table: Table, names: tuple[str, ...], *, ignore_known: bool = False) -> Insert:
    """``INSERT INTO table (names) SELECT`` the batch's rows; with ``ignore_known`` rows whose key exists are passed over."""
    into = _into(dialect, table, names)
    return into.on_conflict_do_nothing() if ignore_known else into


@cache
def upsert_rows(dialect: str, table: Table, names: tuple[str, ...], key: tuple[str, ...]) -> Insert:
    """The same; a row whose ``key`` exists takes the batch's other values. Each key at most once in a batch."""
    into = _into(dialect, table, names)
    values = {name: into.excluded[name] for name in names if name not in key}
    return into.on_conflict_do_update(index_elements=list(key), set_=values)


def _into(dialect: str, table: Table, names: tuple[str, ...]) -> sqlite.Insert | postgresql.Insert:
    columns = [table.c[name] for name in names]
    # SQLite cannot tell ON CONFLICT from a join's ON without a WHERE before it.
    rows = rows_of(dialect, *((column.name, _type_of(column)) for column in columns)).where(true())
    insert_into = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert_into(table).from_select(list(names), rows)


def _type_of(column: Column[object]) -> ColumnType:
    of = type(column.type)
    if issubclass(of, (Instant, Boolean, Text)):
        return of
    return BigInteger


def insert(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row], **how: bool) -> None:
    """Writes the rows in one statement, or none where there are no rows."""
    if rows:
        execute(connection, insert_rows(connection.dialect.name, table, names, **how), {ROWS: as_rows(rows)})
