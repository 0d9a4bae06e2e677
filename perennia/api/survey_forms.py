"""The questions of a survey as fields of a form: what a page shows of one, and what it answers when the form comes back.

``score`` and ``comment`` answer the first question; ``a.ID`` any other, ``a.ID.ROW`` a row of a matrix. What was answered
on the pages before travels with the form, so that nothing is lost where it cannot be kept, or must not be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from perennia.core.json_values import Json, JsonObject
from perennia.core.question_definitions import (
    AnyQuestion,
    ChoiceQuestion,
    MatrixQuestion,
    QuestionWords,
    ScaleQuestion,
    TextQuestion,
    asked_by,
)
from perennia.core.questionnaire import COMMENT, SCORE, TEXT_CHARS, answers_question
from perennia.core.survey_definitions import Survey

NO_WORDS = QuestionWords()


class Field(NamedTuple):
    """One control or one group of them. ``choices``: value and text of each; none: something to write or to type."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]] = ()
    chosen: Sequence[str] = ()


class Shown(NamedTuple):
    """One question on its page, not rendered yet: the texts are Jinja's.

    ``form``: ``scale``, ``number`` (a scale too long for buttons), ``one``, ``many``, ``text`` or ``matrix``.
    """

    form: str
    ask: str
    fields: Sequence[Field]
    help: str | None = None
    low: str | None = None
    high: str | None = None
    required: bool = False


def shown(question: AnyQuestion, words: QuestionWords, value: Json) -> Shown:
    """``words``: in the reader's language; what they leave out is shown as it is written."""
    name = f"a.{question.id}"
    ask = words.ask or asked_by(question)
    help_, required = words.help or question.help, question.required
    match question:
        case ScaleQuestion():
            field = Field(name, ask, _steps(question), _chosen(value))
            return Shown("scale", ask, [field], help_, words.low or question.low, words.high or question.high, required)
        case ChoiceQuestion(options=options, many=many):
            choices = [(option, words.options.get(option, text)) for option, text in options.items()]
            return Shown(
                "many" if many else "one", ask, [Field(name, ask, choices, _chosen(value))], help_, required=required
            )
        case TextQuestion():
            return Shown("text", ask, [Field(name, ask, (), _chosen(value))], help_, required=required)
        case MatrixQuestion(rows=rows):
            given = value if isinstance(value, dict) else {}
            fields = [
                Field(f"{name}.{row}", words.rows.get(row, text), _steps(question), _chosen(given.get(row)))
                for row, text in rows.items()
            ]
            low, high = words.low or question.low, words.high or question.high
            return Shown("matrix", ask, fields, help_, low, high, required)


def _steps(question: ScaleQuestion | MatrixQuestion) -> list[tuple[str, str]]:
    return [(str(step), str(step)) for step in range(question.from_, question.to + 1)]


def _chosen(value: Json) -> list[str]:
    match value:
        case None:
            return []
        case list():
            return [str(each) for each in value]
        case _:
            return [str(value)]


def carried(answers: Mapping[str, Json], besides: str) -> Iterator[tuple[str, str]]:
    """Fields that carry the answers along, but for the one that the page asks for."""
    for name, value in answers.items():
        if name == besides:
            continue
        if name in {SCORE, COMMENT}:
            yield name, f"{value:g}" if isinstance(value, int | float) else str(value)
        elif isinstance(value, dict):
            yield from ((f"a.{name}.{row}", str(given)) for row, given in value.items())
        else:
            yield from ((f"a.{name}", each) for each in _chosen(value))


def answers_in(survey: Survey, fields: Sequence[tuple[str, str]]) -> JsonObject:
    """What the form answers of the questions behind the first one. What cannot be an answer is left out."""
    found: JsonObject = {}
    for question in survey.questions:
        value = _answer(question, fields)
        if value is not None and answers_question(question, value):
            found[question.id] = value
    return found


def _answer(question: AnyQuestion, fields: Sequence[tuple[str, str]]) -> Json:
    given = [value for name, value in fields if name == f"a.{question.id}"]
    match question:
        case ScaleQuestion():
            return _number(given[-1]) if given else None
        case ChoiceQuestion(options=options, many=True):
            return [option for option in options if option in given] or None
        case ChoiceQuestion():
            return given[-1] if given else None
        case TextQuestion():
            return written(given[-1]) if given else None
        case MatrixQuestion(rows=rows):
            numbers = {
                row: _number(value) for row in rows for name, value in fields if name == f"a.{question.id}.{row}"
            }
            return {row: number for row, number in numbers.items() if number is not None} or None


def _number(text: str) -> int | None:
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 9 else None


def written(text: str) -> str | None:
    """What somebody wrote, as it is kept; None where they wrote nothing."""
    return text.replace("\r\n", "\n").strip()[:TEXT_CHARS] or None
