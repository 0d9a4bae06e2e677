"""HubSpot's property values are text, whatever they mean: a number, a truth, a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import cast

from perennia.providers.crm import Value


def to_hubspot(value: Value, type_: str | None) -> str:
    """``type_``: the property's, as HubSpot calls it (``list`` for several options); None: not known."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ";".join(str(each) for each in cast("list[object]", value))
        case float() if value.is_integer():
            return str(int(value))
        case str() if type_ == "date":
            # Only the day: anything else than midnight is refused.
            return value[:10]
        case _:
            return str(value)


def from_hubspot(text: str, type_: str | None) -> Value:
    match type_:
        case "number":
            try:
                number = float(text)
            except ValueError:
                return text
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case "bool":
            return text == "true"
        case "list":
            return text.split(";")
        case "date" | "datetime" if text.isdecimal():
            at = datetime.fromtimestamp(int(text) / 1000, UTC)
            return date.isoformat(at) if type_ == "date" else at.isoformat()
        case _:
            return text
