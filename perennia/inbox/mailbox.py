"""What the inbox has received, in one SQLite file: it survives a restart and stays bounded."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final, cast

KEPT: Final = 20_000  # messages; the oldest go. About 200 MB of our own kind

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    searched TEXT NOT NULL,
    subject TEXT NOT NULL,
    date TEXT NOT NULL,
    message_id TEXT NOT NULL,
    content BLOB NOT NULL
)
"""
_SUMMARY = "id, received_at, sender, recipients, subject, date, message_id"


@dataclass(frozen=True)
class Summary:
    """``sender`` and ``recipients`` are the envelope's; ``date`` is what the message says, ``received_at`` the real time."""

    id: int
    received_at: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    message_id: str


@dataclass(frozen=True)
class Received:
    """A message, parsed. ``source``: as it came over the wire."""

    summary: Summary
    headers: tuple[tuple[str, str], ...]
    html: str | None
    text: str | None
    source: bytes


class Mailbox:
    """One file, opened once and written by one thread at a time. Its methods may be awaited by any number of tasks."""

    def __init__(self, folder: Path, *, kept: int = KEPT) -> None:
        self._kept = kept
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(folder / "inbox.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA busy_timeout=5000")
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    async def keep(self, sender: str, recipients: Sequence[str], content: bytes) -> int:
        """Stores a message and returns its number; they ascend."""
        return await asyncio.to_thread(self._keep, sender, recipients, content)

    async def summaries(
        self, recipient: str = "", *, before: int | None = None, after: int = 0, limit: int = 50
    ) -> list[Summary]:
        """Newest first. ``recipient``: part of an address, in any case."""
        found = await asyncio.to_thread(
            self._rows,
            f"SELECT {_SUMMARY} FROM messages WHERE instr(searched, ?) AND id > ? AND (? IS NULL OR id < ?)"  # noqa: S608  # constants
            " ORDER BY id DESC LIMIT ?",
            (recipient.lower(), after, before, before, limit),
        )
        return [_summary(row) for row in found]

    async def count(self, recipient: str = "") -> int:
        rows = await asyncio.to_thread(
            self._rows, "SELECT count(*) FROM messages WHERE instr(searched, ?)", (recipient.lower(),)
        )
        return cast("int", rows[0][0])

    async def message(self, number: int) -> Received | None:
        rows = await asyncio.to_thread(
            self._rows,
            f"SELECT {_SUMMARY}, content FROM messages WHERE id = ?",  # noqa: S608  # constants
            (number,),
        )
        return _received(rows[0]) if rows else None

    def _keep(self, sender: str, recipients: Sequence[str], content: bytes) -> int:
        parsed = _parsed(content)
        searched = " ".join([*recipients, str(parsed.get("To", ""))]).lower()
        row = (datetime.now(UTC).isoformat(timespec="milliseconds"), sender, json.dumps(list(recipients)), searched)
        named = tuple(str(parsed.get(name, "")) for name in ("Subject", "Date", "Message-ID"))
        with self._lock:
            cursor = self._connection.execute(
                "INSERT INTO messages (received_at, sender, recipients, searched, subject, date, message_id, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, *named, content),
            )
            number = cast("int", cursor.lastrowid)
            self._connection.execute("DELETE FROM messages WHERE id <= ?", (number - self._kept,))
        return number

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def _summary(row: tuple[object, ...]) -> Summary:
    number, received_at, sender, recipients, subject, date, message_id = cast(
        "tuple[int, str, str, str, str, str, str]", row[:7]
    )
    return Summary(
        id=number,
        received_at=received_at,
        sender=sender,
        recipients=tuple(cast("list[str]", json.loads(recipients))),
        subject=subject,
        date=date,
        message_id=message_id,
    )


def _received(row: tuple[object, ...]) -> Received:
    source = cast("bytes", row[7])
    parsed = _parsed(source)
    return Received(
        summary=_summary(row),
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        html=_body(parsed, "html"),
        text=_body(parsed, "plain"),
        source=source,
    )


def _body(message: EmailMessage, subtype: str) -> str | None:
    part = message.get_body((subtype,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a charset that does not exist, or bytes that are not in it
        return cast("bytes", part.get_payload(decode=True)).decode("utf-8", "replace")
