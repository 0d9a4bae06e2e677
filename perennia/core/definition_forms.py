"""What all definitions are made of: the frozen model, kinds of text, and how one of several forms is told by its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Scope: TypeAlias = Literal["contact", "account"]

# Text of a CEL expression, of a span (``2d``, ``1d12h``, ``2bd``, ``P3D``) and of a Jinja template.
# Their forms are for editors: whether a text is an expression or a span is found out where it is compiled, with its place.
ExpressionText: TypeAlias = Annotated[
    str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1000, "description": "A CEL expression."})
]
SPAN_PATTERN = r"(\d+(bd|[smhdw]))+|P(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?"
SpanText: TypeAlias = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": f"^({SPAN_PATTERN})$", "description": "A span: 90s, 30m, 12h, 3d, 2w, 2bd."}
    ),
]
TemplateText: TypeAlias = str


def _whole(told: object) -> object:
    return int(told) if isinstance(told, float) and told.is_integer() else told


# Behind the bounds of an ``int``, which its JSON Schema would lose otherwise: there 5.0 is an integer, too.
whole = BeforeValidator(_whole)

DefinitionId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Priority: TypeAlias = Annotated[int, Field(ge=0, le=100, strict=True), whole]
# ``true`` or ``false`` and nothing that looks like them: ``yes`` is a word in YAML 1.2.
Flag: TypeAlias = Annotated[bool, Field(strict=True)]

DEFAULT_PRIORITY = 50


def _percentage(text: str) -> str:
    number = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text)
    if number is None or float(number[1]) > 100:
        raise ValueError("must be a percentage from 0% to 100%, like 10%")
    return text


# ``10%``, as people write it; `part_of_one` is the number.
Percentage: TypeAlias = Annotated[
    str, AfterValidator(_percentage), Field(json_schema_extra={"pattern": r"^(100(\.0+)?|\d{1,2}(\.\d+)?)%$"})
]


def part_of_one(percentage: Percentage) -> float:
    return float(percentage.removesuffix("%")) / 100


class Model(BaseModel):
    """Frozen, strict about keys, and addressed by the language's names."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class StepModel(Model):
    """What every step may have."""

    id: DefinitionId | None = None
    if_: ExpressionText | None = Field(default=None, alias="if")
    note: str | None = None


def only_key(value: object, keys: Mapping[str, type[BaseModel]]) -> str | None:
    """The tag of the one key of ``keys`` that ``value`` (a mapping or a model) has; None if none or several."""
    if isinstance(value, BaseModel):
        found = [key for key, model in keys.items() if type(value) is model]
    else:
        found = [key for key in keys if isinstance(value, Mapping) and key in cast("Mapping[str, object]", value)]
    return f"<{found[0]}>" if len(found) == 1 else None
