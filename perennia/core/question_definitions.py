"""The questions of a survey beside its first one, as people write them, parsed; and their words in other languages."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, Tag

from perennia.core.definition_forms import DefinitionId, ExpressionText, Flag, Model, TemplateText, only_key

Bound: TypeAlias = Annotated[int, Field(strict=True)]
Texts: TypeAlias = dict[DefinitionId, TemplateText]


class QuestionModel(Model):
    """What every question may have. ``if``: over what was answered before, as ``answer.ID``."""

    id: DefinitionId
    if_: ExpressionText | None = Field(default=None, alias="if")
    required: Flag = False
    help: TemplateText | None = None


class ScaleQuestion(QuestionModel):
    """One number. Both ends belong to the scale; ``low`` and ``high`` say what they mean."""

    scale: TemplateText
    from_: Bound = Field(default=1, alias="from")
    to: Bound = 5
    low: TemplateText | None = None
    high: TemplateText | None = None


class ChoiceQuestion(QuestionModel):
    """One of some options, or any of them (``many``)."""

    choice: TemplateText
    options: Texts = Field(min_length=1)
    many: Flag = False


class TextQuestion(QuestionModel):
    """Words of one's own."""

    text: TemplateText


class MatrixQuestion(QuestionModel):
    """Several things on one scale, each a row."""

    matrix: TemplateText
    rows: Texts = Field(min_length=1)
    from_: Bound = Field(default=1, alias="from")
    to: Bound = 5
    low: TemplateText | None = None
    high: TemplateText | None = None


QUESTIONS: dict[str, type[QuestionModel]] = {
    "scale": ScaleQuestion,
    "choice": ChoiceQuestion,
    "text": TextQuestion,
    "matrix": MatrixQuestion,
}


def _question_form(value: object) -> str | None:
    return only_key(value, QUESTIONS)


AnyQuestion: TypeAlias = ScaleQuestion | ChoiceQuestion | TextQuestion | MatrixQuestion
Question: TypeAlias = Annotated[
    Annotated[ScaleQuestion, Tag("<scale>")]
    | Annotated[ChoiceQuestion, Tag("<choice>")]
    | Annotated[TextQuestion, Tag("<text>")]
    | Annotated[MatrixQuestion, Tag("<matrix>")],
    Discriminator(_question_form),
]


def asked_by(question: AnyQuestion) -> str:
    """The question itself (Jinja text)."""
    match question:
        case (
            ScaleQuestion(scale=text)
            | ChoiceQuestion(choice=text)
            | TextQuestion(text=text)
            | MatrixQuestion(matrix=text)
        ):
            return text


class QuestionWords(Model):
    """A question in another language; what is left out is shown as it is written."""

    ask: TemplateText | None = None
    help: TemplateText | None = None
    options: Texts = Field(default_factory=dict)
    rows: Texts = Field(default_factory=dict)
    low: TemplateText | None = None
    high: TemplateText | None = None


class SurveyWords(Model):
    """A survey in another language."""

    question: TemplateText | None = None
    follow_up: dict[str, TemplateText] = Field(default_factory=dict)
    thanks: dict[str, TemplateText] = Field(default_factory=dict)
    questions: dict[DefinitionId, QuestionWords] = Field(default_factory=dict)
