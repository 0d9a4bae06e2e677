"""A crowd made of few: customers whose first ones are real, and the others copies of their rows.

A turn for each of 100,000 would take longer than all that is measured on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, insert, make_url, select

from perennia.store.postgres import PostgresDriver
from perennia.store.sqlite import SqliteDriver
from perennia.store.tables import customers, inputs, journal

BATCH: Final = 2_000


async def copy_customers(url: str, models: Sequence[tuple[str, str]], count: int) -> None:
    """``count`` copies of each of ``models``: internal id, and the id of theirs outside, which ends in ``-0``."""
    where = make_url(url)
    driver = SqliteDriver(where) if where.get_backend_name() == "sqlite" else PostgresDriver(where)
    try:
        for model, name in models:
            for start in range(1, count + 1, BATCH):
                numbers = range(start, min(start + BATCH, count + 1))
                await driver.write("copy", partial(_copy, model=model, name=name, numbers=numbers))
        # As autovacuum and time would: nobody has 100,000 new customers and statistics of none.
        await driver.write("analyze", lambda connection: connection.exec_driver_sql("ANALYZE"))
    finally:
        await driver.close()


def _copy(connection: Connection, *, model: str, name: str, numbers: Sequence[int]) -> None:
    """Everything that is kept of the customer, once for each number."""
    for table, owner in ((customers, customers.c.id), (inputs, inputs.c.customer), (journal, journal.c.customer)):
        kept = [dict(row) for row in connection.execute(select(table).where(owner == model)).mappings()]
        copies = [
            {
                column: _another(value, model, name, number)
                for column, value in row.items()
                if table is not journal or column != "id"
            }
            for number in numbers
            for row in kept
        ]
        if copies:
            connection.execute(insert(table), copies)


def _another(value: object, model: str, name: str, number: int) -> object:
    if not isinstance(value, str):
        return value
    return value.replace(model, f"{model}-{number}").replace(name, f"{name.removesuffix('-0')}-{number}")
