"""Where a message went is kept with it: what comes back as mail may close that address, and no other.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("address", sa.Text(), nullable=True))
