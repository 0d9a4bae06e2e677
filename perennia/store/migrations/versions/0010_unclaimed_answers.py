"""What other systems told of answers that could be given to nobody is kept aside.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unclaimed_answers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("survey", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unclaimed_answers"),
    )
    op.create_index("ix_unclaimed_answers_at", "unclaimed_answers", ["at"])
