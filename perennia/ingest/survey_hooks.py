"""``POST /hooks/surveys/{source}``: answers to surveys that other systems have asked, to whoever gave them.

The same call again changes nothing. Calls about one response may come in any order and say a part each: what a later one
does not say stays. Whose answer nobody knows is kept, and told to the team: nothing is lost, and nothing is guessed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.core.decisions import SurveyAnswered
from perennia.core.json_values import Json, JsonObject
from perennia.core.question_definitions import AnyQuestion, ChoiceQuestion, ScaleQuestion
from perennia.core.questionnaire import TEXT_CHARS, answers_question, score_of
from perennia.core.survey_definitions import Source, Survey
from perennia.ingest.bells import Bells
from perennia.ingest.bodies import BodyError, read_body
from perennia.ingest.hooks import refused, wall_clock
from perennia.providers.reports import Call, Unreadable, Unsigned
from perennia.providers.survey_answers import ToldAnswer, body_digest, read_answer
from perennia.store.port import Store, StoreUnavailable
from perennia.store.records import GivenAnswer
from perennia.store.survey_records import UnclaimedAnswer

log = logging.getLogger(__name__)

BODY_BYTES = 512 * 1024
NO_SECRETS: Mapping[str, str] = MappingProxyType({})


class Surveys(Protocol):
    async def surveys(self) -> Mapping[str, Survey]:
        """Those that are published."""
        ...


@dataclass(frozen=True)
class SurveyHooks:
    """``secrets``: by source. ``real``: the wall clock, by which senders sign."""

    store: Store
    bells: Bells
    clock: Clock
    published: Surveys
    secrets: Mapping[str, str]
    real: Callable[[], datetime] = wall_clock

    def routes(self) -> list[Route]:
        return [Route("/hooks/surveys/{source}", self.hear, methods=["POST"], name="answers from elsewhere")]

    async def hear(self, request: Request) -> Response:
        """Keeps what the call tells, then answers 200; a call that comes again changes nothing."""
        source: str = request.path_params["source"]
        secret = self.secrets.get(source)
        if secret is None:
            return PlainTextResponse("no signing secret is set for this source\n", 404)
        try:
            body = await read_body(request.stream(), request.headers.get("content-encoding"), BODY_BYTES)
            call = Call({name.lower(): value for name, value in request.headers.items()}, body, self.real())
            await self._take(source, read_answer(source, call, secret), body)
        except (BodyError, ClientDisconnect, Unreadable, Unsigned, StoreUnavailable) as error:
            return refused(f"surveys/{source}", error)
        return PlainTextResponse("ok\n")

    async def _take(self, source: str, told: ToldAnswer, body: bytes) -> None:
        survey = _survey_of(source, told, await self.published.surveys())
        if survey is None:
            await self._keep_aside(source, told, body, None, "no survey takes answers from there")
            return
        if survey.anonymous:
            log.warning("%s told of an answer to %s, which is anonymous: it was not kept", source, survey.survey)
            return
        wanted = survey.sources[source]
        customer = told.find(wanted.customer or told.defaults.get("customer"))
        email = told.find(wanted.email or told.defaults.get("email"))
        contact = await self.store.contact_of(_name(customer), _name(email))
        if contact is None:
            await self._keep_aside(source, told, body, survey.survey, "nobody knows who answered")
            return
        key = f"{source}:{_response(told, wanted, body)}"
        answered = _answer(survey, source, told, key, self.clock.now(), await self.store.given_answer(key))
        if answered is None:
            await self._keep_aside(source, told, body, survey.survey, "it fits no question of the survey")
            return
        await self.store.place_order(contact, answered, f"{source}:{told.call}")
        self.bells.nudge([contact])

    async def _keep_aside(self, source: str, told: ToldAnswer, body: bytes, survey: str | None, why: str) -> None:
        log.warning("an answer that %s told of is kept aside: %s; see `perennia survey unclaimed`", source, why)
        aside = UnclaimedAnswer(
            id=f"{source}:{told.call}",
            source=source,
            survey=survey,
            reason=why,
            at=self.clock.now(),
            body=body.decode("utf-8", "replace"),
        )
        await self.store.keep_unclaimed(aside)


def _survey_of(source: str, told: ToldAnswer, surveys: Mapping[str, Survey]) -> Survey | None:
    for survey in surveys.values():
        wanted = survey.sources.get(source)
        if wanted is not None and wanted.form in (None, told.form):
            return survey
    return None


def _response(told: ToldAnswer, wanted: Source, body: bytes) -> str:
    return told.response or _name(told.find(wanted.id or "id")) or body_digest(body)


def _answer(
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
