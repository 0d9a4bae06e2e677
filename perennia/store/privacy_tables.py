"""What is left of people who were erased: marks, from which nobody can read who they were; and what was deleted for its age."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from perennia.store.columns import Instant
from perennia.store.tables import metadata

# One row, made by the first erasure and never changed: without it no mark can be compared with a name.
erasure_salt = Table("erasure_salt", metadata, Column("salt", Text, primary_key=True))

# A mark is the salted hash of a name that an erased customer had: an outside id, an address, a device's id, a message's
# reference. `reason` and `closed_at` are those of an address that was suppressed, null for all else.
erased_marks = Table(
    "erased_marks",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", Text),
    Column("closed_at", Instant),
    sqlite_with_rowid=False,
)

# When what is kept for a time was last looked through, by kind, and how many rows went.
retention_runs = Table(
    "retention_runs",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
