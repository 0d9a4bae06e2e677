"""Places at providers that are warming up: how many of a day are taken, and which messages wait for one.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WAITING = sa.text("open AND waits_until IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "warm_ups",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "day", name=op.f("pk_warm_ups")),
    )
    op.add_column("messages", sa.Column("placed_on", sa.Text(), nullable=True))
    op.add_column("effects", sa.Column("waits_until", Instant(), nullable=True))
    op.create_index("ix_effects_waiting", "effects", ["waits_until"], sqlite_where=WAITING, postgresql_where=WAITING)
