"""Enrollments that are compared with others are counted: who was held out, which variant, who reached the goal.

Begun before, they are not among them: nobody looked for the goals of those that had ended.

Revision ID: 0023
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0023"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trials",
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("enrollment", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("began", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("variants", sa.Text(), nullable=False),
        sa.Column("converted", Instant(), nullable=True),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_trials_customer_customers")),
        sa.PrimaryKeyConstraint("customer", "enrollment", name=op.f("pk_trials")),
    )
    op.create_index("ix_trials_playbook", "trials", ["playbook", "customer", "began"])
    only = sa.text("open")
    op.create_index("ix_trials_open", "trials", ["playbook", "version"], sqlite_where=only, postgresql_where=only)
