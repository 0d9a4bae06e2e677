"""Databases are asked for what is new in them: how far that is, what stopped it, and which rows were refused.

Revision ID: 0025
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("began", Instant(), nullable=True))
    op.add_column("imports", sa.Column("failure", sa.Text(), nullable=True))
    op.add_column("imports", sa.Column("refused", sa.Text(), nullable=False, server_default="[]"))
