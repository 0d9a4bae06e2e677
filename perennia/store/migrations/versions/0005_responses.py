"""Answers to surveys are kept, so that a page can show the last one and a report can count them.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant, RowNumber

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "responses",
        sa.Column("id", RowNumber, nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("survey", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_responses"),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name="fk_responses_customer"),
        sa.UniqueConstraint("key", name="uq_responses_key"),
    )
    op.create_index("ix_responses_customer", "responses", ["customer"])
    op.create_index("ix_responses_survey", "responses", ["survey", "at"])
