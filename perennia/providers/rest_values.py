"""Templates of what is sent, and places in what is answered."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

_NAME: Final = re.compile(r"\{([a-z]+)(?:\.([a-z]+))?\}")
BASE64: Final = "base64url"


def written(template: Any, names: Mapping[str, Any]) -> Any:
    """The template with values for its ``{names}``; ``{since.year}`` is a part of an instant.

    A text that is one name becomes the value. A mapping of the one key ``base64url`` becomes its JSON, so encoded. Names that
    nobody knows stay as they are.
    """
    match template:
        case str():
            whole = _NAME.fullmatch(template)
            if whole is not None:
                return _named(whole, names)
            return _NAME.sub(lambda found: str(_named(found, names)), template)
        case dict():
            parts = cast("dict[str, Any]", template)
            if set(parts) == {BASE64}:
                return urlsafe_b64encode(msgspec.json.encode(written(parts[BASE64], names))).decode()
            return {name: written(value, names) for name, value in parts.items()}
        case list():
            return [written(each, names) for each in cast("list[Any]", template)]
        case _:
            return template


def _named(found: re.Match[str], names: Mapping[str, Any]) -> Any:
    value = names.get(found[1], found[0])
    if isinstance(value, datetime):
        return getattr(value, found[2]) if found[2] else value.isoformat().replace("+00:00", "Z")
    return value


def value_at(data: Any, path: str) -> Any:
    """The value at ``a.b.0``; the whole for an empty path; None where there is none."""
    for part in path.split(".") if path else ():
        if isinstance(data, dict):
            data = cast("dict[str, Any]", data).get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(cast("list[Any]", data)):
            data = cast("list[Any]", data)[int(part)]
        else:
            return None
    return data


def instant_of(row: Any, paths: Sequence[str]) -> datetime | None:
    """The first of these that is one: ISO text (UTC where it says no zone), Unix seconds, or an object of year, month ..."""
    for path in paths:
        match value_at(row, path):
            case str() as text if text:
                at = datetime.fromisoformat(text)
                return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            case int() | float() as seconds:
                return datetime.fromtimestamp(seconds, UTC)
            case {"year": int(year), "month": int(month), "day": int(day), **rest}:
                parts = [int(cast("Any", rest.get(name)) or 0) for name in ("hour", "minute", "second", "microsecond")]
                return datetime(year, month, day, *parts, tzinfo=UTC)
            case _:
                continue
    return None
