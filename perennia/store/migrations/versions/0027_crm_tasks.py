"""People's tasks are in the CRM, too, and end on both sides.

Revision ID: 0027
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0027"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crm_tasks",
        sa.Column("crm", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_crm_tasks_customer_customers")),
        sa.PrimaryKeyConstraint("crm", "task", name=op.f("pk_crm_tasks")),
    )
    op.create_index(op.f("ix_crm_tasks_customer"), "crm_tasks", ["customer"])
    op.create_index(op.f("ix_crm_tasks_record"), "crm_tasks", ["crm", "record"])
