"""Customers can be erased: what is left of them are marks.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure_salt",
        sa.Column("salt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("salt", name=op.f("pk_erasure_salt")),
    )
    op.create_table(
        "erased_marks",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erased_marks")),
        sqlite_with_rowid=False,
    )
