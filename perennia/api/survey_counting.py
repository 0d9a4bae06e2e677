"""Counting answers to a survey: those of a period, of a group, and to each question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from perennia.api.survey_scores import labelled, score_of
from perennia.api.survey_views import QuestionReport, ScoreView
from perennia.core.json_values import Json, JsonObject
from perennia.core.question_definitions import (
    AnyQuestion,
    ChoiceQuestion,
    MatrixQuestion,
    ScaleQuestion,
    TextQuestion,
    asked_by,
)
from perennia.core.survey_definitions import Survey

Per: TypeAlias = Literal["day", "week", "month", "quarter", "year"]

# What a month belongs to.
PERIODS: Mapping[str, Callable[[int, int], str]] = {
    "month": lambda year, month: f"{year}-{month:02}",
    "quarter": lambda year, month: f"{year}-Q{(month + 2) // 3}",
    "year": lambda year, _: str(year),
}


class Mark(NamedTuple):
    """One answer to be counted. ``author`` None: nobody knows, and everybody has answered once."""

    author: str | None
    period: str | None
    group: str | None
    score: float | None
    answers: JsonObject


def of_each_the_last(marks: Sequence[Mark]) -> list[Mark]:
    """``marks``: newest first."""
    seen: set[str] = set()
    found: list[Mark] = []
    for mark in marks:
        if mark.author is None or mark.author not in seen:
            found.append(mark)
        if mark.author is not None:
            seen.add(mark.author)
    return found


def with_parts(survey: Survey, marks: Sequence[Mark], part: Callable[[Mark], str | None]) -> list[ScoreView]:
    """One score for each part, in the order of their names; in each, of every customer the last answer."""
    parts: dict[str, list[Mark]] = {}
    for mark in marks:
        parts.setdefault(part(mark) or "", []).append(mark)
    return [score_view(survey, name, of_each_the_last(parts[name])) for name in sorted(parts)]


def score_view(survey: Survey, name: str, marks: Sequence[Mark]) -> ScoreView:
    counts = dict(sorted(Counter(mark.score for mark in marks if mark.score is not None).items()))
    score = score_of(survey, counts)
    margin = None if score.low is None or score.high is None else round((score.high - score.low) / 2, 2)
    return ScoreView(
        name=name,
        answers=sum(counts.values()) if survey.has_score else len(marks),
        margin=margin,
        labels=labelled(survey, counts),
        scores={f"{given:g}": count for given, count in counts.items()},
        **score._asdict(),
    )


def question_report(question: AnyQuestion, marks: Sequence[Mark]) -> QuestionReport:
    given = [mark.answers[question.id] for mark in marks if mark.answers.get(question.id) is not None]
    counts: Counter[str] = Counter()
    for value in given:
        counts.update(_counted(value))
    return QuestionReport(
        id=question.id,
        form=_form(question),
        ask=asked_by(question),
        answers=len(given),
        counts={} if isinstance(question, TextQuestion) else {name: counts[name] for name in _possible(question)},
    )


def _form(question: AnyQuestion) -> Literal["scale", "choice", "text", "matrix"]:
    match question:
        case ScaleQuestion():
            return "scale"
        case ChoiceQuestion():
            return "choice"
        case TextQuestion():
            return "text"
        case MatrixQuestion():
            return "matrix"


def _counted(value: Json) -> list[str]:
    match value:
        case list():
            return [str(each) for each in value]
        case dict():
            return [f"{row}: {number}" for row, number in value.items()]
        case _:
            return [str(value)]


def _possible(question: AnyQuestion) -> list[str]:
    match question:
        case ScaleQuestion():
            return [str(step) for step in range(question.from_, question.to + 1)]
        case ChoiceQuestion():
            return list(question.options)
        case MatrixQuestion():
            steps = range(question.from_, question.to + 1)
            return [f"{row}: {step}" for row in question.rows for step in steps]
        case TextQuestion():
            return []
