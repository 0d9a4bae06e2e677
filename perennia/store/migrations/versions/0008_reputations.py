"""Who a message comes from, and how senders and topics stand with those who get their mail.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

HARM = sa.text("what = 'complained' OR bounce = 'hard'")


def upgrade() -> None:
    op.add_column("messages", sa.Column("sender", sa.Text(), nullable=True))
    op.create_index("ix_messages_released", "messages", ["released_at"])
    op.create_index("ix_reports_harm", "reports", ["message", "what"], sqlite_where=HARM, postgresql_where=HARM)
    op.create_table(
        "reputations",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("complained", sa.Integer(), nullable=False),
        sa.Column("bounced", sa.Integer(), nullable=False),
        sa.Column("counted_from", Instant(), nullable=True),
        sa.Column("told_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_reputations"),
    )
