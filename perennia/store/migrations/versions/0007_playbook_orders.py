"""Orders for everybody in a playbook, and how far a revision has reached the customers it concerns.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "playbook_orders",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "playbook", name="pk_playbook_orders"),
    )
    op.create_index("ix_playbook_orders_playbook", "playbook_orders", ["playbook", "number"])
    op.add_column("revisions", sa.Column("reach", sa.Text(), server_default="{}", nullable=False))
    op.add_column("revisions", sa.Column("reach_after", sa.Text(), nullable=True))
    op.add_column("revisions", sa.Column("reached", sa.Integer(), server_default="0", nullable=False))
    op.add_column("revisions", sa.Column("reached_at", Instant(), nullable=True))
    # A publish of the former version rang everybody in its own transaction.
    op.execute("UPDATE revisions SET reached_at = published_at")
    op.create_index(
        "ix_revisions_unreached",
        "revisions",
        ["number"],
        sqlite_where=sa.text("reached_at IS NULL"),
        postgresql_where=sa.text("reached_at IS NULL"),
    )
