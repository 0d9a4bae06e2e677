"""What a decision saw: one line an expression, with the values that decided it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from perennia.core.decisions import Evidence
from perennia.core.json_values import Json

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def evidence_line(evidence: Evidence, zone: ZoneInfo) -> str:
    """``EXPRESSION  ->  true, since NAME = VALUE, ...``; instants are in ``zone``."""
    deciding = {name: value for part in _deciding(evidence) for name, value in part.values.items()}
    values = ", ".join(_named(name, value, zone) for name, value in sorted(deciding.items()))
    outcome = (
        f"no answer, which counts as false: {evidence.error}" if evidence.error else value_text(evidence.value, zone)
    )
    return f"{evidence.expression}  ->  {outcome}{f', since {values}' if values else ''}"


def _deciding(evidence: Evidence) -> list[Evidence]:
    """The smallest parts that say why the whole is what it is: of a false ``a && b``, those that are false."""
    leaves = list(_leaves(evidence))
    same = [leaf for leaf in leaves if leaf.value == evidence.value or leaf.error]
    return same or leaves


def _leaves(evidence: Evidence) -> Iterator[Evidence]:
    if not evidence.parts:
        yield evidence
    for part in evidence.parts:
        yield from _leaves(part)


def _named(name: str, value: Json, zone: ZoneInfo) -> str:
    """A condition over events says when the last of them was, under the name ``last``."""
    if name == "last":
        return "it never happened" if value is None else f"it last happened {value_text(value, zone)}"
    return f"{name} = {value_text(value, zone)}"


def value_text(value: Json, zone: ZoneInfo) -> str:
    """A value for people: text as it is, instants in ``zone``, nothing known as such."""
    match value:
        case None:
            return "(not known)"
        case str() if _INSTANT.match(value):
            return _instant(value, zone)
        case str() if value.strip():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def _instant(text: str, zone: ZoneInfo) -> str:
    """As it is where it is none, and at the ends of the calendar, where zones lead out of it."""
    try:
        instant = datetime.fromisoformat(text)
        return text if instant.tzinfo is None else local_time(instant, zone)
    except (ValueError, OverflowError):
        return text


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """``Mon 2 Mar 2026 10:00:00``."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S}"
