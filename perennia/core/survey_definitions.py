"""Surveys as people write them, parsed: one question, a scale, and what its scores are called (language, section 11)."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field

from perennia.core.definition_forms import DefinitionId, Flag, Model, TemplateText

SurveyKind: TypeAlias = Literal["nps", "csat", "ces", "rqi", "custom"]
Bound: TypeAlias = Annotated[int, Field(strict=True)]
Labels: TypeAlias = dict[DefinitionId, Bound]


class Scale(Model):
    """Both ends belong to it."""

    from_: Bound = Field(alias="from")
    to: Bound


class KnownScale(NamedTuple):
    """The scale that a kind has by itself. ``labels``: the lowest score of each; ``whole``: scores have no fractions."""

    scale: Scale
    labels: dict[str, int]
    whole: bool = True


def _known(low: int, high: int, whole: bool = True, **labels: int) -> KnownScale:
    return KnownScale(Scale.model_validate({"from": low, "to": high}), labels, whole)


KINDS: dict[SurveyKind, KnownScale] = {
    "nps": _known(0, 10, detractor=0, passive=7, promoter=9),
    "csat": _known(1, 5, dissatisfied=1, neutral=3, satisfied=4),
    "ces": _known(1, 7, difficult=1, neutral=4, easy=5),
    # An index of several items, worked out before it gets here: 100 * (mean - 1) / 6 of seven-point items.
    "rqi": _known(0, 100, whole=False, weak=0, fair=50, strong=75),
    "custom": _known(1, 5),
}
# Kinds whose scale and labels are not theirs alone to say.
OPEN_KINDS: frozenset[SurveyKind] = frozenset({"rqi", "custom"})


class Survey(Model):
    """``labels``: each with its lowest score. ``follow_up``: a second question, by label."""

    survey: DefinitionId
    name: str | None = None
    description: str | None = None
    kind: SurveyKind
    question: TemplateText
    relational: Flag = False
    scale: Scale | None = None
    labels: Labels | None = None
    follow_up: dict[str, TemplateText] = Field(default_factory=dict)

    @property
    def bounds(self) -> Scale:
        return self.scale or KINDS[self.kind].scale

    @property
    def label_starts(self) -> dict[str, int]:
        """The lowest score of each label."""
        if self.labels is not None:
            return self.labels
        return {} if self.scale is not None else KINDS[self.kind].labels

    def fits(self, score: float) -> bool:
        """Whether it is a score of this survey's scale."""
        whole = not KINDS[self.kind].whole or (isfinite(score) and score == int(score))
        return whole and self.bounds.from_ <= score <= self.bounds.to

    def label_of(self, score: float) -> str | None:
        """What the score is called, None where its survey has no word for it."""
        reached = [(start, label) for label, start in self.label_starts.items() if start <= score]
        return max(reached)[1] if reached else None

    def scale_in_words(self) -> str:
        """``a whole number from 0 to 10``."""
        return f"a {'whole ' if KINDS[self.kind].whole else ''}number from {self.bounds.from_} to {self.bounds.to}"
