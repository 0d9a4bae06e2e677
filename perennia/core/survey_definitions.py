"""Surveys as people write them, parsed: a question on a scale, what its scores are called, further questions (language, 11)."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field

from perennia.core.definition_forms import DefinitionId, Flag, Model, SpanText, TemplateText
from perennia.core.question_definitions import Bound, MatrixQuestion, Question, ScaleQuestion, SurveyWords

SurveyKind: TypeAlias = Literal["nps", "csat", "ces", "rqi", "custom"]
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
    # An index of several items, each brought to 0-100: of seven-point items 100 * (mean - 1) / 6.
    "rqi": _known(0, 100, whole=False, weak=0, fair=50, strong=75),
    "custom": _known(1, 5),
}
# Kinds whose scale and labels are not theirs alone to say.
OPEN_KINDS: frozenset[SurveyKind] = frozenset({"rqi", "custom"})


# The label that stands for every score without a text of its own.
ANY_LABEL = "all"

Locale: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]


class Source(Model):
    """Where a system that asks the survey, too, says what: paths into what it tells. ``form``: its own name of the survey.

    ``id``: of the response; ``customer``: our sender's id of who answered; ``answers``: by question.
    """

    form: str | None = None
    id: str | None = None
    score: str | None = None
    comment: str | None = None
    customer: str | None = None
    email: str | None = None
    answers: dict[DefinitionId, str] = Field(default_factory=dict)


class Survey(Model):
    """``labels``: each with its lowest score. ``follow_up``: a second question, ``thanks``: the last words, by label.

    ``question`` is asked on the kind's scale and gives the score; an ``rqi`` without one has the mean of its ``questions``'
    scales as its score, a ``custom`` without one has none. ``anonymous``: nobody learns who answered what; ``by``: traits
    that are kept with each answer then. ``open``: how long after it was asked it can be answered, None: for good.
    ``languages``: the texts in other languages. ``sources``: other systems whose answers are taken.
    """

    survey: DefinitionId
    name: str | None = None
    description: str | None = None
    kind: SurveyKind
    question: TemplateText | None = None
    relational: Flag = False
    open: SpanText | None = None
    scale: Scale | None = None
    labels: Labels | None = None
    follow_up: dict[str, TemplateText] = Field(default_factory=dict)
    thanks: dict[str, TemplateText] = Field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    anonymous: Flag = False
    by: tuple[str, ...] = ()
    languages: dict[Locale, SurveyWords] = Field(default_factory=dict)
    sources: dict[DefinitionId, Source] = Field(default_factory=dict)

    @property
    def items(self) -> tuple[ScaleQuestion | MatrixQuestion, ...]:
        """The questions whose mean is the score; none where one question gives it."""
        if self.kind != "rqi" or self.question is not None:
            return ()
        return tuple(each for each in self.questions if isinstance(each, ScaleQuestion | MatrixQuestion))

    @property
    def has_score(self) -> bool:
        return self.question is not None or bool(self.items)

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
