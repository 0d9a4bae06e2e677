"""What kind of value a part of an expression has, as far as its form tells."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from perennia.core.cel_tokens import Scalar


class Kind(StrEnum):
    """Its value is how it is called in a sentence."""

    WHOLE = "a whole number"
    FRACTION = "a number with a fraction"
    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"
    TIMESTAMP = "a timestamp"
    DURATION = "a duration"
    LIST = "a list"
    MAP = "a map"
    NOTHING = "null"
    # Anything that JSON has: no timestamp, no duration.
    DATA = "a text, a number or the like"
    ANY = "anything"


NUMBERS: Final = frozenset({Kind.WHOLE, Kind.FRACTION, Kind.NUMBER})
OPEN: Final = frozenset({Kind.DATA, Kind.ANY})

# Functions, methods and macros by name; what is not here may give anything.
KINDS_OF_CALLS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("count", "size", "int"), Kind.WHOLE),
    **dict.fromkeys(("total", "double"), Kind.FRACTION),
    **dict.fromkeys(("happened", "idle", "older", "within", "in_stage", "in_segment", "has", "bool"), Kind.TRUTH),
    **dict.fromkeys(("startsWith", "endsWith", "contains", "matches", "exists", "all", "exists_one"), Kind.TRUTH),
    **dict.fromkeys(("map", "filter"), Kind.LIST),
    "string": Kind.TEXT,
    "timestamp": Kind.TIMESTAMP,
    "duration": Kind.DURATION,
}

_RESULTS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("outcome", "reason", "variant", "label", "comment", "decision"), Kind.TEXT),
    **dict.fromkeys(("answered", "opened", "clicked", "replied", "bounced"), Kind.TRUTH),
}
_ANSWERS: Final[dict[str, Kind]] = {"label": Kind.TEXT, "comment": Kind.TEXT, "at": Kind.TEXT}


def kind_of_literal(value: Scalar) -> Kind:
    match value:
        case None:
            return Kind.NOTHING
        case bool():
            return Kind.TRUTH
        case int():
            return Kind.WHOLE
        case float():
            return Kind.FRACTION
        case str():
            return Kind.TEXT
        case bytes():
            return Kind.ANY


def kind_of_name(root: str, keys: Sequence[str]) -> Kind:
    """Of ``root.key.key``, as the language says what lies there."""
    match root, *keys:
        case ["traits" | "account" | "contact" | "enter" | "event", *_]:
            return Kind.DATA
        case ["stage", _]:
            return Kind.TEXT
        case ["health", *rest]:
            return Kind.TEXT if rest[1:] == ["band"] else Kind.NUMBER
        case ["answers", _, field]:
            return _ANSWERS.get(field, Kind.DATA)
        case ["steps", _, field]:
            return _RESULTS.get(field, Kind.DATA)
        case _:
            return Kind.ANY
