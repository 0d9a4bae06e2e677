"""What is remembered: customers, inputs, effects, journal, messages, consents, tasks, catalog, audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennia.store.sql import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]


def __getattr__(name: str) -> object:
    """The store itself is loaded when it is asked for: whoever needs its records alone need not wait for SQL (2 s)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from perennia.store import sql  # noqa: PLC0415 - see above

    return getattr(sql, name)
