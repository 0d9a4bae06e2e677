"""What was said of each topic is kept with its history, and some consents wait to be confirmed.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant, RowNumber

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_records",
        sa.Column("id", RowNumber, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("proof", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_consent_records_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_records")),
    )
    op.create_index("ix_consent_records_customer", "consent_records", ["customer", "id"], unique=False)
    op.create_table(
        "consent_asks",
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("mailed_at", Instant(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_consent_asks_customer")),
        sa.PrimaryKeyConstraint("customer", "topic", name=op.f("pk_consent_asks")),
    )
    # The former version kept only the last word on each topic: that much of the history is known.
    op.execute(
        "INSERT INTO consent_records (customer, topic, act, at, source) "
        "SELECT customer, topic, CASE WHEN given THEN 'given' ELSE 'withdrawn' END, at, source FROM consents ORDER BY at"
    )
