"""What an installation answers about permission: consents, and addresses that are never written to."""

from __future__ import annotations

from datetime import datetime

import msgspec

from perennia.store.permission_records import ConsentRecord, Suppression


class Consent(msgspec.Struct):
    """How it stands with one topic. ``state``: given, withdrawn, pending (to be confirmed ``until`` then), unsaid."""

    topic: str
    kind: str | None
    state: str
    at: datetime | None
    source: str | None
    until: datetime | None


class Consents(msgspec.Struct):
    """``history``: all that was ever said, the last first."""

    customer: str
    topics: list[Consent]
    history: list[ConsentRecord]


class ConsentAnswer(msgspec.Struct):
    """``outcome``: given, withdrawn, asked (a message goes out), waiting (one did today), unchanged."""

    customer: str
    outcome: str
    consent: Consent


class SuppressionPage(msgspec.Struct):
    suppressions: list[Suppression]
    next: str | None


class BadRow(msgspec.Struct):
    line: int
    message: str


class ImportAnswer(msgspec.Struct):
    """Of a CSV file: addresses ``added`` (of a dry run: that can be read), ``known`` before or named twice, and ``bad`` rows."""

    added: int
    known: int
    bad: int
    errors: list[BadRow]
