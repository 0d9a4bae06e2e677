"""What another system told of an answer, as an answer to one of the published surveys.

Calls about one response may come in any order and say a part each: what a later one does not say stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from perennia.core.decisions import SurveyAnswered
from perennia.core.json_values import Json, JsonObject
from perennia.core.question_definitions import AnyQuestion, ChoiceQuestion, ScaleQuestion
from perennia.core.questionnaire import TEXT_CHARS, answers_question, score_of
from perennia.core.survey_definitions import Survey
from perennia.providers.reports import Call, Unreadable
from perennia.providers.survey_answers import ToldAnswer, body_digest, read_again
from perennia.store.records import GivenAnswer
from perennia.store.survey_records import UnclaimedAnswer

NOT_ASKED = "no survey takes answers from there"
FITS_NOTHING = "it fits no question of the survey"


def told_again(kept: UnclaimedAnswer) -> ToldAnswer | None:
    """What was told when it was kept; None where it can be read no more."""
    try:
        call = Call({}, kept.body.encode(), kept.at)
        return read_again(kept.source, call, kept.id.removeprefix(f"{kept.source}:"))
    except Unreadable:
        return None


def survey_of(source: str, told: ToldAnswer, surveys: Mapping[str, Survey]) -> Survey | None:
    """The survey that takes what this source tells of this form; None: none does."""
    for survey in surveys.values():
        wanted = survey.sources.get(source)
        if wanted is not None and wanted.form in (None, told.form):
            return survey
    return None


def response_key(survey: Survey | None, source: str, told: ToldAnswer, body: bytes) -> str:
    """The same for each call about one response: under it the answer is kept."""
    mapped = None if survey is None else survey.sources[source].id
    return f"{source}:{told.response or _name(told.find(mapped or 'id')) or body_digest(body)}"


def told_by(survey: Survey, source: str, told: ToldAnswer) -> tuple[str | None, str | None]:
    """The id and the address by which the call names who answered."""
    wanted = survey.sources[source]
    customer = told.find(wanted.customer or told.defaults.get("customer"))
    email = told.find(wanted.email or told.defaults.get("email"))
    return _name(customer), _name(email)


def answer_in(
    survey: Survey, source: str, told: ToldAnswer, key: str, at: datetime, before: GivenAnswer | None
) -> SurveyAnswered | None:
    """The answer with what was told before; None where nothing of it fits."""
    wanted = survey.sources[source]
    answers: JsonObject = {} if before is None else dict(before.answers)
    for question in survey.questions:
        value = _fitting(question, told.find(wanted.answers.get(question.id)))
        if value is not None:
            answers[question.id] = value
    score = _number(told.find(wanted.score or told.defaults.get("score")))
    score = score if score is not None and survey.fits(score) else None if before is None else before.score
    comment = _name(told.find(wanted.comment or told.defaults.get("comment")))
    if comment is None and before is not None:
        comment = before.comment
    score = score if score is not None or survey.question is not None else score_of(survey, answers)
    if score is None and comment is None and not answers:
        return None
    return SurveyAnswered(
        at=at,
        survey=survey.survey,
        score=score,
        comment=None if comment is None else comment[:TEXT_CHARS],
        key=key,
        by=source,
        answers=answers,
        partial=not told.finished or (survey.question is not None and score is None),
    )


def _fitting(question: AnyQuestion, value: Any) -> Json:
    """The value as an answer to the question; options are also known by their text. None where it is none."""
    if isinstance(question, ScaleQuestion):
        number = _number(value)
        value = int(number) if number is not None and number == int(number) else None
    if isinstance(question, ChoiceQuestion):
        known = {text.strip().casefold(): option for option, text in question.options.items()}
        known |= {option.casefold(): option for option in question.options}
        given = cast("list[object]", value) if isinstance(value, list) else [value]
        options = [known[each] for each in (str(one).strip().casefold() for one in given) if each in known]
        value = options if question.many else next(iter(options), None)
    return value if value not in (None, []) and answers_question(question, value) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _name(value: Any) -> str | None:
    """A text, or a number as one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None
