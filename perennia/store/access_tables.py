"""The tables of API keys, and of answers that are given again."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from perennia.store.columns import Instant
from perennia.store.tables import metadata

# `digest`: SHA-256 of the secret; `former`: of the one before its last rotation, good until `former_until`. `scopes` is JSON.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("former", Text, index=True),
    Column("former_until", Instant),
    Column("scopes", Text, nullable=False),
    Column("rate", Integer),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    Column("version", Integer, nullable=False, server_default="1"),
)

# Requests that came with an idempotency key. `status` null: under way; `headers` is JSON.
api_requests = Table(
    "api_requests",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", Text),
)
