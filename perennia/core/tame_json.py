"""JSON values that everything behind the edge can hold: databases, expressions, deep call stacks."""

from __future__ import annotations

import re

from perennia.core.json_values import Json, JsonObject

# Decoders and encoders recurse. What was read here on a shallow stack must be readable in a turn on a deep one, else one
# event stops its customer for good.
DEEPEST = 32
INT64 = range(-(2**63), 2**63)

_suspicious = re.compile(rb"\\u0000|[0-9]{19}")


class TooDeep(ValueError):
    def __init__(self) -> None:
        super().__init__(f"nested more than {DEEPEST} levels deep")


def is_tame(text: bytes) -> bool:
    """True where the value of this JSON text needs no `tame`. Cheap, and errs to the safe side."""
    return text.count(b"{") + text.count(b"[") <= DEEPEST and _suspicious.search(text) is None


def tame_object(value: JsonObject) -> JsonObject:
    """The object without NUL characters (PostgreSQL takes none), integers beyond 64 bits as floats.

    Raises `TooDeep`, and `OverflowError` for integers beyond floats.
    """
    return {_tame_text(name): _tame(entry, 2) for name, entry in value.items()}


def _tame(value: Json, depth: int) -> Json:
    if depth > DEEPEST and isinstance(value, dict | list):
        raise TooDeep
    match value:
        case str():
            return _tame_text(value)
        case int() if value not in INT64:
            return float(value)
        case list():
            return [_tame(entry, depth + 1) for entry in value]
        case dict():
            return {_tame_text(name): _tame(entry, depth + 1) for name, entry in value.items()}
        case _:
            return value


def _tame_text(text: str) -> str:
    return text.replace("\0", "")
