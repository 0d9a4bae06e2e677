"""The table of enrollments that are compared with others, beside those of `tables`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, Text, select, text

from perennia.store.columns import Instant
from perennia.store.tables import metadata

# How each of them stands. It is a table of its own so that a report counts both sides alike, however old: of the decision log
# an enrollment goes when it has ended, and those that are treated end sooner than those that are held out. `variants` is JSON:
# by split the one it went into. `open`: its goal may still be looked for, so its version is still needed.
trials = Table(
    "trials",
    metadata,
    Column("customer", Text, ForeignKey("customers.id"), primary_key=True),
    Column("enrollment", Text, primary_key=True),
    Column("playbook", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("began", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("variants", Text, nullable=False),
    Column("converted", Instant),
    Column("open", Boolean, nullable=False),
)
Index("ix_trials_playbook", trials.c.playbook, trials.c.customer, trials.c.began)
# Word for word the condition of its index.
IS_OPEN_TRIAL = text("trials.open")
Index(
    "ix_trials_open",
    trials.c.playbook,
    trials.c.version,
    sqlite_where=text("open"),
    postgresql_where=text("open"),
)
open_versions = select(trials.c.version).where(IS_OPEN_TRIAL).distinct()
