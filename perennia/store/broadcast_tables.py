"""The tables of broadcasts, beside those of `tables`."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Label,
    Table,
    Text,
    UniqueConstraint,
    literal,
    or_,
    select,
    text,
)

from perennia.store.broadcast_records import HALTED, LIVE
from perennia.store.columns import Instant
from perennia.store.tables import journal, messages, metadata

# `body` is the document (JSON); `book` and `version` the playbook that its orders enter. `ending_after`: how far the
# people of a cancelled one have been ended.
broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("book", Text, nullable=False, index=True),
    Column("version", Text),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("starts_at", Instant),
    Column("ended_at", Instant),
    Column("why", Text),
    Column("told_at", Instant),
    Column("day", Text, nullable=False, server_default=""),
    Column("today", Integer, nullable=False, server_default="0"),
    Column("ending_after", Text, nullable=False, server_default=""),
)

# One way through the audience; `left_out` is JSON.
broadcast_runs = Table(
    "broadcast_runs",
    metadata,
    Column("broadcast", Text, ForeignKey("broadcasts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("occasion", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("after", Text, nullable=False, server_default=""),
    Column("looked", Integer, nullable=False, server_default="0"),
    Column("entered", Integer, nullable=False, server_default="0"),
    Column("left_out", Text, nullable=False, server_default="{}"),
    Column("done_at", Instant),
    UniqueConstraint("broadcast", "occasion"),
)

# Word for word the conditions of their indexes: what is counted of a broadcast is read from these alone.
OF_BROADCASTS = text("journal.playbook LIKE 'broadcast:%'")
MESSAGES_OF_BROADCASTS = text("messages.playbook LIKE 'broadcast:%'")
_JOURNAL, _MESSAGES = "playbook LIKE 'broadcast:%'", "playbook LIKE 'broadcast:%'"
Index(
    "ix_journal_broadcasts",
    journal.c.playbook,
    journal.c.act,
    journal.c.code,
    journal.c.reason,
    sqlite_where=text(_JOURNAL),
    postgresql_where=text(_JOURNAL),
)
Index(
    "ix_messages_broadcasts",
    messages.c.playbook,
    messages.c.status,
    sqlite_where=text(_MESSAGES),
    postgresql_where=text(_MESSAGES),
)

# --- what other statements ask of broadcasts --------------------------------------------------------------------------

# Of one made of a playbook of its own: whoever is in a published one is steered with that. Not `in_`: a prepared statement has no
# lists.
_is_halted = or_(*(broadcasts.c.status == each for each in HALTED)) & broadcasts.c.version.is_not(None)
# As turns name what may not leave.
halted_books = select((literal("playbook:") + broadcasts.c.book).label("book")).where(_is_halted).subquery("halted")
live_versions = select(broadcasts.c.version).where(broadcasts.c.status.in_(LIVE), broadcasts.c.version.is_not(None))


def halted_for(ledger: Table) -> Label[str | None]:
    """The column ``halted``: not null where the row's broadcast is paused, or was cancelled."""
    is_its = (broadcasts.c.book == ledger.c.playbook) & _is_halted
    return select(broadcasts.c.id).where(is_its).limit(1).scalar_subquery().label("halted")
