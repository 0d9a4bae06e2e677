"""Who is erased is erased in the CRM, too, where that is told.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crm_erasures",
        sa.Column("crm", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("ordered", sa.Boolean(), nullable=False),
        sa.Column("done", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("crm", "kind", "record", name=op.f("pk_crm_erasures")),
    )
