"""Each try of a message or a delivery can be looked at, and what came back of it; unclaimed answers know their response.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_attempts_customer_customers")),
        sa.PrimaryKeyConstraint("key", "number", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_customer"), "attempts", ["customer"])
    op.add_column("unclaimed_answers", sa.Column("response", sa.Text(), nullable=True))
    _index("ix_unclaimed_answers_response", "unclaimed_answers", ["response"], "response IS NOT NULL")
    _index("ix_reports_message", "reports", ["message", "at"], "message IS NOT NULL")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
