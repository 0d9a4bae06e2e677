"""The way through a survey: which questions are asked after which answers, what answers them, and what score comes of it.

The answers so far are one map: ``score`` and ``comment`` of the first question, all others by the question's id. A scale is
answered by a number, a choice by the id of an option (a list of them, where there may be many), text by text, a matrix by
a map from row to number.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from perennia.core.expressions import MapTest, compile_test
from perennia.core.json_values import Json, JsonObject
from perennia.core.question_definitions import AnyQuestion, ChoiceQuestion, MatrixQuestion, ScaleQuestion, TextQuestion
from perennia.core.survey_definitions import ANY_LABEL, Survey

# The first question and the one that follows up on it, in place of a question's id.
SCORE, COMMENT = "score", "comment"
# What a question's `if` calls the answers so far.
ANSWER = "answer"
# What the rest of an answer is called: no question can have such an id.
RESERVED = frozenset({SCORE, COMMENT, "label", "at"})
TEXT_CHARS = 2000


def route(survey: Survey, answers: Mapping[str, Json]) -> list[str]:
    """The questions that are asked of somebody who answers so, in order; whatever is not on it is not looked at."""
    seen: JsonObject = {}
    found: list[str] = []
    if survey.question is not None:
        found.append(SCORE)
        seen = score_and_label(survey, answers)
        if by_label(survey, survey.follow_up, seen.get(SCORE)) is not None:
            found.append(COMMENT)
            seen[COMMENT] = answers.get(COMMENT)
    for question in survey.questions:
        if question.if_ is None or _test(question.if_).holds(seen):
            found.append(question.id)
            seen[question.id] = answers.get(question.id)
    return found


def on_route(survey: Survey, answers: Mapping[str, Json]) -> JsonObject:
    """Without what was answered on a way that the other answers do not lead to."""
    given = {name: answers[name] for name in route(survey, answers) if answers.get(name) is not None}
    if survey.question is not None and answers.get(COMMENT) is not None:
        given[COMMENT] = answers[COMMENT]  # also said where nobody asked
    return given


def lacking(survey: Survey, answers: Mapping[str, Json]) -> list[str]:
    """What must be answered and is not, of what is asked."""
    must = {SCORE} | {question.id for question in survey.questions if question.required}
    return [name for name in route(survey, answers) if name in must and not _is_whole(survey, name, answers.get(name))]


def _is_whole(survey: Survey, name: str, value: Json) -> bool:
    """A matrix that must be answered is, in each of its rows."""
    question = question_of(survey, name)
    if isinstance(question, MatrixQuestion) and isinstance(value, dict):
        return question.rows.keys() <= value.keys()
    return value is not None


def question_of(survey: Survey, name: str) -> AnyQuestion | None:
    return next((question for question in survey.questions if question.id == name), None)


def by_label(survey: Survey, texts: Mapping[str, str], score: Json) -> str | None:
    """Which of the texts, each for a label, this score gets: its own label's, else that for all."""
    label = survey.label_of(score) if _is_number(score) else None
    return texts.get(label or ANY_LABEL, texts.get(ANY_LABEL))


def score_and_label(survey: Survey, answers: Mapping[str, Json]) -> JsonObject:
    score = answers.get(SCORE)
    return {SCORE: score, "label": survey.label_of(score)} if _is_number(score) else {}


def answers_question(question: AnyQuestion, value: Json) -> bool:
    """Whether the value can be an answer to it."""
    match question:
        case ScaleQuestion():
            return _on_scale(question, value)
        case ChoiceQuestion(options=options, many=True):
            chosen = [each for each in value if isinstance(each, str)] if isinstance(value, list) else None
            return chosen is not None and value == list(dict.fromkeys(chosen)) and options.keys() >= set(chosen)
        case ChoiceQuestion(options=options):
            return isinstance(value, str) and value in options
        case TextQuestion():
            return isinstance(value, str) and len(value) <= TEXT_CHARS
        case MatrixQuestion(rows=rows):
            return isinstance(value, dict) and all(
                row in rows and _on_scale(question, given) for row, given in value.items()
            )


def score_of(survey: Survey, answers: Mapping[str, Json]) -> float | None:
    """The score that the answers come to: that of the first question, or the mean of all items, each brought to 0-100."""
    if not survey.items:
        score = answers.get(SCORE)
        return score if _is_number(score) else None
    parts: list[float] = []
    for item in survey.items:
        value = answers.get(item.id)
        given = list(value.values()) if isinstance(value, dict) else [value]
        parts += [100 * (each - item.from_) / (item.to - item.from_) for each in given if _is_number(each)]
    return round(sum(parts) / len(parts), 2) if parts else None


class Objection(NamedTuple):
    """``name``: what part of the answer is wrong, ``score`` or a question's id. ``must``: what it must be, for people."""

    name: str
    must: str


def objection(survey: Survey, score: float | None, answers: Mapping[str, Json]) -> Objection | None:
    """Why this cannot be an answer to the survey that came from elsewhere than its page; None where it can."""
    if score is None and survey.question is not None:
        return Objection(SCORE, survey.scale_in_words())
    if score is not None and not (survey.has_score and survey.fits(score)):
        return Objection(SCORE, survey.scale_in_words() if survey.has_score else "left out: this survey has none")
    for name, value in answers.items():
        question = question_of(survey, name)
        if question is None:
            return Objection(name, "the id of one of its questions")
        if not answers_question(question, value):
            return Objection(name, _in_words(question))
    return None


def _in_words(question: AnyQuestion) -> str:
    match question:
        case ScaleQuestion():
            return f"a whole number from {question.from_} to {question.to}"
        case ChoiceQuestion(options=options, many=many):
            return f"{'a list of' if many else 'one of'} {', '.join(options)}"
        case TextQuestion():
            return f"a text of at most {TEXT_CHARS} characters"
        case MatrixQuestion(rows=rows):
            return f"a whole number from {question.from_} to {question.to} for any of {', '.join(rows)}"


def _on_scale(question: ScaleQuestion | MatrixQuestion, value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and question.from_ <= value <= question.to


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


@lru_cache(maxsize=512)
def _test(text: str) -> MapTest:
    return compile_test(text, ANSWER)
