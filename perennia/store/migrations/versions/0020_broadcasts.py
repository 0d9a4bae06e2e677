"""Broadcasts, each way through an audience, and what is counted of them.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OF_BROADCASTS = "playbook LIKE 'broadcast:%'"


def upgrade() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("starts_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("day", sa.Text(), server_default="", nullable=False),
        sa.Column("today", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ending_after", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_index("ix_broadcasts_book", "broadcasts", ["book"], unique=False)
    op.create_table(
        "broadcast_runs",
        sa.Column("broadcast", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("looked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("entered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("left_out", sa.Text(), server_default="{}", nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["broadcast"], ["broadcasts.id"], name=op.f("fk_broadcast_runs_broadcast")),
        sa.PrimaryKeyConstraint("broadcast", "number", name=op.f("pk_broadcast_runs")),
        sa.UniqueConstraint("broadcast", "occasion", name=op.f("uq_broadcast_runs_broadcast_occasion")),
    )
    only = sa.text(OF_BROADCASTS)
    op.create_index(
        "ix_journal_broadcasts",
        "journal",
        ["playbook", "act", "code", "reason"],
        unique=False,
        sqlite_where=only,
        postgresql_where=only,
    )
    op.create_index(
        "ix_messages_broadcasts",
        "messages",
        ["playbook", "status"],
        unique=False,
        sqlite_where=only,
        postgresql_where=only,
    )
