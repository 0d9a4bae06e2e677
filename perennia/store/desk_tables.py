"""The tables of what people do with tasks, and of when they are away."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text

from perennia.store.columns import Instant, RowNumber
from perennia.store.tables import metadata

# The customer stands here, too, so that what was said about somebody is found without their tasks.
task_notes = Table(
    "task_notes",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("task", Text, ForeignKey("tasks.key"), nullable=False, index=True),
    Column("customer", Text, ForeignKey("customers.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("text", Text),
)

absences = Table(
    "absences",
    metadata,
    Column("person", Text, primary_key=True),
    Column("start", Instant, primary_key=True),
    Column("end", Instant, nullable=False),
    Column("stand_in", Text),
)

# The day (as its person's zone counts them) of the last digest that each person got, or is about to get (`telling_until`).
task_digests = Table(
    "task_digests",
    metadata,
    Column("person", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("telling_until", Instant),
)

# When each person of a team got a task of the team's last.
team_turns = Table(
    "team_turns",
    metadata,
    Column("team", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
