"""What providers tell of messages is kept, and finds its message by the reference that they were given with it.

Revision ID: 0006
Revises: 0005
"""

import hashlib

import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BATCH = 5_000


def upgrade() -> None:
    op.add_column("messages", sa.Column("reference", sa.Text(), nullable=True))
    _refer()
    op.create_index("ix_messages_reference", "messages", ["reference"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("bounce", sa.Text(), nullable=True),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_reports_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("token", name=op.f("uq_reports_token")),
    )
    op.create_index("ix_reports_customer", "reports", ["customer", "at"], unique=False)
    op.create_index(
        "ix_reports_soft",
        "reports",
        ["address", "at"],
        unique=False,
        sqlite_where=sa.text("bounce = 'soft'"),
        postgresql_where=sa.text("bounce = 'soft'"),
    )


def _refer() -> None:
    """As `SendEmail.reference` has it: messages that left before this version are told of, too."""
    messages = sa.table("messages", sa.column("key", sa.Text), sa.column("reference", sa.Text))
    connection = op.get_bind()
    keys = list(connection.scalars(sa.select(messages.c.key)))
    set_one = messages.update().where(messages.c.key == sa.bindparam("of")).values(reference=sa.bindparam("is"))
    for start in range(0, len(keys), BATCH):
        rows = [{"of": key, "is": hashlib.sha256(key.encode()).hexdigest()[:32]} for key in keys[start : start + BATCH]]
        connection.execute(set_one, rows)
