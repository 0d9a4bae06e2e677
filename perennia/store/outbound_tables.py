"""The tables of events that other systems are told: endpoints, the outbox, and what became of each delivery."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, text

from perennia.store.columns import Instant
from perennia.store.tables import metadata

# `types` is a JSON list, empty for all. `secret` signs, and so does `former` until `former_until`.
endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("tell", Text),
    Column("secret", Text, nullable=False),
    Column("former", Text),
    Column("former_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("disabled_at", Instant),
    Column("disabled_why", Text),
    Column("failing_since", Instant),
    Column("version", Integer, nullable=False, server_default="1"),
)

# The outbox: written in the transaction in which it happened, and only where an endpoint wants it. `body` is what is posted.
# `customer` null: of a test.
outbound_events = Table(
    "outbound_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), index=True),
    Column("type", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

# `status`: waiting, delivered, failed. `claimed_until`: somebody is posting it.
outbound_deliveries = Table(
    "outbound_deliveries",
    metadata,
    Column("event", Text, primary_key=True),
    Column("endpoint", Text, ForeignKey("endpoints.id"), primary_key=True),
    Column("customer", Text, ForeignKey("customers.id"), index=True),
    Column("at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Instant),
    Column("claimed_until", Instant),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("ended_at", Instant),
)
Index(
    "ix_outbound_deliveries_due",
    outbound_deliveries.c.next_at,
    sqlite_where=text("status = 'waiting'"),
    postgresql_where=text("status = 'waiting'"),
)
Index("ix_outbound_deliveries_log", outbound_deliveries.c.endpoint, outbound_deliveries.c.at)
