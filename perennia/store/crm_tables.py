"""What is remembered of the CRM: who is which record there, how far was read, what is to be read."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from perennia.store.columns import Instant
from perennia.store.tables import customers, metadata

# `seen` is JSON: of each trait the marks of what both sides held when they agreed.
crm_links = Table(
    "crm_links",
    metadata,
    Column("crm", Text, primary_key=True),
    Column("customer", Text, ForeignKey(customers.c.id), primary_key=True),
    Column("record", Text),
    Column("state", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("attempt", Text),
)
Index("ix_crm_links_customer", crm_links.c.customer)
Index("ix_crm_links_record", crm_links.c.crm, crm_links.c.record)

crm_notes = Table(
    "crm_notes",
    metadata,
    Column("crm", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# Records of customers who were erased: by id, which leads to nobody here. `done`: they hold nothing of them any more, and
# the row stays for a while, since what was read before may still tell of the record.
crm_erasures = Table(
    "crm_erasures",
    metadata,
    Column("crm", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("ordered", Boolean, nullable=False),
    Column("done", Instant),
)

# Records of which a call of the CRM told, until they are read.
crm_calls = Table(
    "crm_calls",
    metadata,
    Column("crm", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
