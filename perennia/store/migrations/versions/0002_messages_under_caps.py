"""Messages know under whose caps they count; customers are found by their address.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What was sent before counts, too: a message to a contact that is not transactional. A body holds every key without a
# default, in its own order; values with quotes in them are escaped.
COUNT_THE_PAST = """
    UPDATE messages SET counts_for = customer WHERE key IN (
        SELECT key FROM effects WHERE body LIKE '{"type":"email",%"recipient":"contact"%"transactional":false%'
    )
"""


def upgrade() -> None:
    # SQLite adds a column that refers to another table as it stands; a batch would rebuild the table.
    op.execute("ALTER TABLE messages ADD COLUMN counts_for TEXT REFERENCES customers (id)")
    op.add_column("messages", sa.Column("priority", sa.Integer(), nullable=False, server_default="50"))
    _partial_index("ix_messages_counted", "messages", ["counts_for", "released_at"], "counts_for IS NOT NULL")
    _partial_index("ix_customers_address", "customers", ["address"], "address IS NOT NULL")
    op.execute(sa.text(COUNT_THE_PAST.replace(":", "\\:")))


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
