"""People work on tasks: whose they are, what was said of them, who is away.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant, RowNumber

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("snoozed_until", Instant(), nullable=True))
    op.add_column("tasks", sa.Column("told_to", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("telling_until", Instant(), nullable=True))
    # Whoever has a task by now knows of it: nobody is to hear of hundreds of old ones at once.
    op.execute("UPDATE tasks SET told_to = assignee")
    op.create_table(
        "task_notes",
        sa.Column("id", RowNumber, nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["task"], ["tasks.key"], name=op.f("fk_task_notes_task_tasks")),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_task_notes_customer_customers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_notes")),
    )
    op.create_index(op.f("ix_task_notes_task"), "task_notes", ["task"])
    op.create_index(op.f("ix_task_notes_customer"), "task_notes", ["customer"])
    op.create_table(
        "absences",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("start", Instant(), nullable=False),
        sa.Column("end", Instant(), nullable=False),
        sa.Column("stand_in", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("person", "start", name=op.f("pk_absences")),
    )
    op.create_table(
        "task_digests",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("telling_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_task_digests")),
    )
    op.create_table(
        "team_turns",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("team", "person", name=op.f("pk_team_turns")),
    )
