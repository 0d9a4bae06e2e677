"""Answers to several questions, answers without a score, and anonymous ones, which are kept apart from whoever gave them.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("responses") as responses:
        responses.alter_column("score", existing_type=sa.Float(53), nullable=True)
        responses.add_column(sa.Column("answers", sa.Text(), server_default="{}", nullable=False))
        responses.add_column(sa.Column("partial", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "anonymous_answers",
        sa.Column("survey", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("survey", "batch", "group", name="pk_anonymous_answers"),
        sqlite_with_rowid=False,
    )
