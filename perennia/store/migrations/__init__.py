"""Bringing a database to this version's schema, from inside the program: the scripts ship with the package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from perennia.store.port import StoreError

# Any number will do that nobody else locks in this database: "perennia" as digits of a telephone.
_LOCK = 73736642


def upgrade(connection: Connection, to: str = "head") -> None:
    """Runs the missing migrations, as far as ``to``, inside the connection's transaction: all of them or none.

    Processes that start together take turns: SQLite by its write lock, PostgreSQL by an advisory lock. Raises
    `StoreError` where the database was made by a newer version.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise StoreError(
            "the store was made by a newer Perennia; run that version, or restore an older copy"
        ) from error
