"""Health scores as people write them, parsed: weighted measures, each from 0 to 100, and bands (language, section 7)."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from perennia.core.definition_forms import DefinitionId, ExpressionText, Model, Scope

Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# A weight of nothing would be a measure that does not count.
Weight: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Points: TypeAlias = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, strict=True)]


def _as_text(value: object) -> object:
    """``missing: 0`` is a number in YAML."""
    return "0" if value == 0 and type(value) is int else value


class MeasureScore(Model):
    """Linear from 0 at ``from`` to 100 at ``to``, which may lie below it; beyond either end it stays."""

    value: ExpressionText
    from_: Number = Field(alias="from")
    to: Number


class Measure(Model):
    """``missing``: what becomes of it where its value is missing: its weight leaves the sum, or it counts as 0."""

    id: DefinitionId
    name: str | None = None
    weight: Weight = 1.0
    score: MeasureScore
    missing: Annotated[Literal["skip", "0"], BeforeValidator(_as_text)] = "skip"


class Health(Model):
    """A score from 0 to 100 of one kind of customer. ``bands``: each with its lowest score."""

    health: DefinitionId
    name: str | None = None
    description: str | None = None
    scope: Scope = "contact"
    measures: tuple[Measure, ...] = Field(min_length=1)
    bands: dict[DefinitionId, Points] = Field(default_factory=dict)
