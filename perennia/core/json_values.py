"""JSON values, as traits, properties and results have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
else:
    # msgspec and pydantic build validators from annotations and know no recursive alias; at run time any JSON value goes.
    Json = Any

JsonObject: TypeAlias = dict[str, Json]


def with_texts(value: Json, change: Callable[[str], str]) -> Json:
    """The value with each text in it changed; names of members stay."""
    match value:
        case str():
            return change(value)
        case list():
            return [with_texts(each, change) for each in value]
        case dict():
            return {name: with_texts(each, change) for name, each in value.items()}
        case _:
            return value
