"""What is remembered: customers, inputs, effects, journal, messages, consents, tasks, catalog, audit."""

from perennia.store.sql import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
