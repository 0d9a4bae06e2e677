"""The type of a JSON value, for traits, properties and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
else:
    # msgspec and pydantic build validators from annotations and know no recursive alias; at run time any JSON value goes.
    Json = Any

JsonObject: TypeAlias = dict[str, Json]
