"""What crosses the store's border of imports and exports. No SQL here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from perennia.core.json_values import JsonObject

ExtractKind: TypeAlias = Literal["customers", "accounts", "events", "messages", "consents", "suppressions"]


class ExtractPage(msgspec.Struct, frozen=True, kw_only=True):
    """``rows`` for a file; instants are text. ``after``: from where to go on; None: that was all."""

    rows: tuple[JsonObject, ...]
    after: str | None


class RefusedRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """``cursor``: the value of the cursor's column, by which the row is found again. Nothing else that it says is kept."""

    at: datetime
    cursor: str
    message: str
    column: str | None = None


class ImportState(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import is. ``id``: of the same file, read the same way. ``row``: the last one that was looked at.

    ``taken``: rows that were new; ``known``: rows that were there already; ``bad``: rows that were refused. ``cursor``: of a
    database, the value of the cursor column up to which all was read; ``began``: its last run, ``failure``: what stopped it,
    ``refused``: the last rows that were.
    """

    id: str
    kind: str
    name: str
    at: datetime
    row: int = 0
    taken: int = 0
    known: int = 0
    bad: int = 0
    done: bool = False
    cursor: str | None = None
    began: datetime | None = None
    failure: str | None = None
    refused: tuple[RefusedRow, ...] = ()
