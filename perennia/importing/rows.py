"""One row as what it tells: checked as what systems send in is, with what is wrong said by row and column."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final, TypeAlias, cast
from uuid import UUID

import msgspec

from perennia.api.suppression_csv import BadCell, suppression_of
from perennia.core.json_values import Json, JsonObject
from perennia.files.cells import bare, instant_text
from perennia.files.reading import Row
from perennia.importing.mapping import IGNORE, PARTS, ColumnMap
from perennia.ingest.event_times import read_instant
from perennia.ingest.segment import Reception, parse_item
from perennia.store.permission_records import ConsentSaid, Suppression
from perennia.store.records import Accepted, Merge, Rejected

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?")
# Columns that hold all of the rest in one.
_WHOLE: Final = frozenset({"traits", "properties", "proof"})
_GIVEN: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("yes", "y", "true", "1", "given", "subscribed"), True),
    **dict.fromkeys(("no", "n", "false", "0", "withdrawn", "unsubscribed"), False),
}
Told: TypeAlias = "tuple[Accepted, ...] | Consent | Suppression"


@dataclass(frozen=True)
class Consent:
    customer: str
    said: ConsentSaid


@dataclass(frozen=True)
class RowError:
    """``column`` None: the row as a whole."""

    row: int
    column: str | None
    message: str


class Wrong(Exception):
    def __init__(self, column: str | None, message: str) -> None:
        super().__init__(message)
        self.column = column


class RowReader:
    """``source``: what the ids of messages begin with, so that the same rows of the same file are the same messages.

    ``targets``: what each column is taken for, of the rows that were read.
    """

    def __init__(self, columns: ColumnMap, source: str, now: datetime) -> None:
        self._columns = columns
        self._source = source
        self._now = now
        self.targets: dict[str, str] = {}

    def read(self, row: Row) -> Told | RowError:
        if row.error is not None:
            return RowError(row.number, None, row.error)
        try:
            return self._told(row)
        except Wrong as wrong:
            return RowError(row.number, wrong.column, str(wrong))

    def _told(self, row: Row) -> Told:
        parts, rest = self._sorted(row)
        for part in PARTS[self._columns.kind][0]:
            if parts.get(part) in (None, ""):
                raise Wrong(self._column_of(part, row), f"there is no {part}; name its column with --map COLUMN={part}")
        match self._columns.kind:
            case "customers":
                return self._accepted(row, {"type": "identify", "userId": parts["id"], "traits": rest}, parts)
            case "accounts":
                return self._accepted(row, {"type": "group", "groupId": parts["id"], "traits": rest}, parts)
            case "events":
                return self._event(row, parts, rest)
            case "consents":
                return self._consent(row, parts, rest)
            case "suppressions":
                return self._suppression(parts)

    def _sorted(self, row: Row) -> tuple[JsonObject, JsonObject]:
        """What the kind is made of, and the rest, which are traits, properties or proof. An empty cell tells nothing."""
        parts: JsonObject = {}
        rest: JsonObject = {}
        required, optional = PARTS[self._columns.kind]
        for column, cell in row.cells.items():
            target = self.targets.get(column) or self.targets.setdefault(column, self._columns.target(column))
            is_part = target in required or target in optional
            value = self._value(column, cell, is_text=row.is_text, keep=is_part)
            if target in _WHOLE and (whole := _object_in(value)) is not None:
                rest |= whole
            elif target != IGNORE and value not in (None, ""):
                (parts if is_part else rest)[target] = value
        return parts, rest

    def _value(self, column: str, cell: object, *, is_text: bool, keep: bool) -> Json:
        match cell:
            case str():
                text = bare(cell) if is_text else cell
                return text if keep or not is_text or column in self._columns.text else _typed(text)
            case datetime():
                return instant_text(cell if cell.tzinfo is not None else cell.replace(tzinfo=UTC))
            case date():
                return cell.isoformat()
            case Decimal():
                return float(cell)
            case UUID() | time():
                return str(cell)
            case None | bool() | int() | float() | list() | dict():
                return cast("Json", cell)
            case _:
                raise Wrong(column, f"holds {type(cell).__name__}; write text")

    def _column_of(self, part: str, row: Row) -> str | None:
        return next((column for column in row.cells if self._columns.target(column) == part), None)

    def _message_id(self, row: Row, item: JsonObject) -> str:
        """The row's own key; else of an event what it says, so that the corrected file adds the corrected rows alone."""
        if self._columns.key is not None:
            key = row.cells.get(self._columns.key)
            if key in (None, ""):
                raise Wrong(self._columns.key, "is empty; every row needs its key")
            return f"import:{self._columns.kind}:{key}"
        said = msgspec.json.encode(item, order="deterministic")
        source = b"" if self._columns.kind == "events" else f"{self._source}{row.mark}".encode()
        return f"import:{hashlib.sha256(source + said).hexdigest()[:40]}"

    def _accepted(self, row: Row, item: JsonObject, parts: JsonObject) -> tuple[Accepted, ...]:
        account: JsonObject = {} if "account" not in parts else {"context": {"groupId": parts["account"]}}
        item = {**item, **account}
        text = msgspec.json.encode({**item, "messageId": self._message_id(row, item)})
        found: list[Accepted] = []
        for record in parse_item(text, Reception(received=self._now)):
            match record:
                case Rejected():
                    raise Wrong(None, record.reason)
                case Accepted():
                    found.append(record)
                case Merge():
                    raise Wrong(None, "is no row of this kind")
        return tuple(found)

    def _event(self, row: Row, parts: JsonObject, properties: JsonObject) -> Told:
        happened = read_instant(_number_in(parts["at"]))
        if happened is None:
            raise Wrong(
                self._column_of("at", row), f"{str(parts['at'])[:40]!r} is no time; write one like 2026-03-02T10:00:00Z"
            )
        item: JsonObject = {"type": "track", "userId": parts["customer"], "event": str(parts["event"])}
        return self._accepted(row, {**item, "timestamp": instant_text(happened), "properties": properties}, {})

    def _consent(self, row: Row, parts: JsonObject, proof: JsonObject) -> Consent:
        given = _GIVEN.get(str(parts["given"]).strip().lower())
        if given is None:
            raise Wrong(self._column_of("given", row), f"{str(parts['given'])[:40]!r} is neither yes nor no")
        at = read_instant(_number_in(parts.get("at"))) if "at" in parts else self._now
        if at is None:
            raise Wrong(self._column_of("at", row), f"{str(parts['at'])[:40]!r} is no time; write one like 2026-03-02")
        said = ConsentSaid(
            topic=str(parts["topic"]),
            given=given,
            at=min(at, self._now),
            source=str(parts.get("source", "import")),
            text=None if "text" not in parts else str(parts["text"]),
            proof=proof,
            proven=True,
        )
        return Consent(str(parts["customer"]), said)

    def _suppression(self, parts: JsonObject) -> Suppression:
        try:
            return suppression_of({part: str(value) for part, value in parts.items()}, self._now)
        except BadCell as bad:
            raise Wrong(bad.column, str(bad)) from bad


def _object_in(value: Json) -> JsonObject | None:
    """What a column holds that has all traits or properties in one, as our own exports do."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            return msgspec.json.decode(value, type=JsonObject)
        except msgspec.MsgspecError:
            return None
    return value if isinstance(value, dict) else None


def _typed(text: str) -> Json:
    """A number, true or false where the text is one beyond doubt: `007` and `+49...` are none."""
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _number_in(value: Json) -> Json:
    """A CSV file's Unix seconds are a number, too."""
    return _typed(value) if isinstance(value, str) else value
