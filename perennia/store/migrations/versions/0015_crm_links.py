"""Customers are kept equal with records of a CRM.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crm_links",
        sa.Column("crm", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_crm_links_customer")),
        sa.PrimaryKeyConstraint("crm", "customer", name=op.f("pk_crm_links")),
    )
    op.create_index("ix_crm_links_customer", "crm_links", ["customer"], unique=False)
    op.create_index("ix_crm_links_record", "crm_links", ["crm", "record"], unique=False)
    op.create_table(
        "crm_notes",
        sa.Column("crm", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("crm", "name", name=op.f("pk_crm_notes")),
    )
    op.create_table(
        "crm_calls",
        sa.Column("crm", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("crm", "kind", "record", name=op.f("pk_crm_calls")),
    )
