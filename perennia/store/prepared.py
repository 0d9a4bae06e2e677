"""Statements of the hot paths, compiled once for good.

SQLAlchemy spends 0.25 ms on each execution, five times what SQLite itself needs for it, and an event costs a dozen
statements: more than everything else a customer's step costs here. So on SQLite a prepared statement goes to the driver as
the text it was compiled to; on PostgreSQL, where the round trip weighs more, it is executed as any other.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias, cast

from sqlalchemy import ColumnElement, Connection, Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, ReturnsRows
from sqlalchemy.sql.type_api import TypeEngine

from perennia.store.driver import count_statement, raw_sqlite

# Rows of both kinds have the columns as attributes and in order; what is in them is known where the statement is written.
Rows: TypeAlias = Sequence[Any]
Process: TypeAlias = Callable[[Any], Any] | None

_dialect = sqlite.dialect(paramstyle="qmark")


def execute(connection: Connection, statement: Executable, parameters: Mapping[str, object]) -> Rows:
    """The statement's rows, none where it returns none.

    Only for statements that are built once (module constants, `cache`d functions): each is kept compiled for ever. None
    with a list of values that varies in length (`in_` over a Python list).
    """
    if connection.dialect.name != "sqlite":
        result = connection.execute(statement, dict(parameters))
        return result.all() if result.returns_rows else ()
    prepared = _prepare(statement)
    count_statement(connection)
    try:
        cursor = raw_sqlite(connection).execute(prepared.sql, prepared.values(parameters))
    except sqlite3.IntegrityError as error:
        raise IntegrityError(prepared.sql, None, error) from error  # as SQLAlchemy says it
    return prepared.rows(cursor.fetchall())


class _Bind(NamedTuple):
    name: str
    process: Process
    default: object


class _Prepared(NamedTuple):
    """``make_row`` None: the statement returns no rows. ``columns``: what makes Python's values of the stored ones."""

    sql: str
    binds: tuple[_Bind, ...]
    make_row: Callable[[Sequence[Any]], Any] | None
    columns: tuple[Process, ...]

    def values(self, parameters: Mapping[str, object]) -> list[object]:
        values = ((bind, parameters.get(bind.name, bind.default)) for bind in self.binds)
        return [value if bind.process is None else bind.process(value) for bind, value in values]

    def rows(self, found: Sequence[Sequence[Any]]) -> Rows:
        if self.make_row is None:
            return ()
        if any(self.columns):
            found = [[v if p is None else p(v) for p, v in zip(self.columns, row, strict=True)] for row in found]
        return [self.make_row(row) for row in found]


@cache
def _prepare(statement: Executable) -> _Prepared:
    compiled = cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=_dialect))
    types = {name: bind.type for bind, name in compiled.bind_names.items()}
    defaults = compiled.params
    binds = tuple(_Bind(name, _binding(types[name]), defaults[name]) for name in compiled.positiontup or ())
    columns = list(statement.exported_columns) if isinstance(statement, ReturnsRows) else []
    return _Prepared(compiled.string, binds, _row(columns), tuple(_result(column.type) for column in columns))


def _row(columns: Sequence[ColumnElement[Any]]) -> Callable[[Sequence[Any]], Any] | None:
    names = [column.key or f"column_{i}" for i, column in enumerate(columns)]
    row = namedtuple("Row", names)  # pyright: ignore[reportUntypedNamedTuple]: its fields are the statement's
    return row._make if columns else None


def _binding(of: TypeEngine[Any]) -> Process:
    return of.dialect_impl(_dialect).bind_processor(_dialect)


def _result(of: TypeEngine[Any]) -> Process:
    return of.dialect_impl(_dialect).result_processor(_dialect, None)
