"""The pages behind a survey's link: a person confirms the score, and answers what else is asked, a page a question.

Mail scanners open every link, those of single scores too, so GET and HEAD never record anything. Each page that is sent is
kept at once: who stops in between goes on with the same link. What was answered can be changed for `OPEN_FOR`; the last
answer counts. Of an anonymous survey nothing is kept before the last page, and then nothing that tells whose it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, body_of, page, pairs_of, try_again, unknown_link
from perennia.api.survey_asking import Asking
from perennia.api.survey_forms import carried
from perennia.api.words import Words, best_of, words_for
from perennia.core.calendar import parse_span
from perennia.core.definitions import Policies
from perennia.core.json_values import Json, JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.core.question_definitions import SurveyWords
from perennia.core.questionnaire import COMMENT, SCORE, TEXT_CHARS
from perennia.core.survey_definitions import Survey
from perennia.rendering import reader_of, workspace_names
from perennia.rendering.links import BadToken
from perennia.store.port import StoreUnavailable, UnknownCustomer
from perennia.store.records import SurveyQuestion
from perennia.store.survey_records import AnonymousAnswer

# From the first answer on.
OPEN_FOR = timedelta(days=7)

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SurveyPage(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/s/{token}", self.ask, methods=["GET", "HEAD"], name="survey page"),
            Route("/s/{token}", self.answer, methods=["POST"], name="answer a survey"),
        ]

    async def ask(self, request: Request) -> Response:
        """Shows the question that is next; by a link of one score the first, that score chosen. Changes nothing."""
        asking = await self._asking(request)
        if isinstance(asking, Response):
            return asking
        chosen = asking.score(request.query_params.get(SCORE))
        if chosen is None:
            return _question(asking, asking.first_page(), asking.given)
        return _question(asking, asking.route({})[0], {**asking.given, SCORE: chosen})

    async def answer(self, request: Request) -> Response:
        """Keeps what the page says, and shows what comes next."""
        fields = pairs_of(await body_of(request))
        asking = await self._asking(request, fields)
        if isinstance(asking, Response):
            return asking
        told = dict(fields)
        here = told.get("page") or (COMMENT if COMMENT in told else asking.route({})[0])
        answers = asking.with_fields(fields, here)
        way = asking.route(answers)
        if here == COMMENT not in way:  # the survey asks for none any more; what was written is kept all the same
            here = SCORE
        if here not in way:
            return _question(asking, asking.first_page(), answers)
        place = way.index(here)
        if "back" in told:
            return _question(asking, way[max(place - 1, 0)], answers)
        if here in asking.lacking(answers):
            return _question(asking, here, answers, status=422)
        following = way[place + 1] if place + 1 < len(way) else None
        missing = asking.lacking(answers)
        if following is None and missing:  # somebody came past a page that must be answered
            return _question(asking, missing[0], answers, status=422)
        try:
            return await self._go_on(asking, answers, following)
        except StoreUnavailable:
            return try_again(asking.words, fields)
        except UnknownCustomer:
            return unknown_link(asking.words)

    async def _go_on(self, asking: Asking, answers: JsonObject, following: str | None) -> Response:
        """Keeps the answers; what comes after them."""
        if asking.survey.anonymous:
            return await self._count(asking, answers, following)
        await self._keep(asking, answers, partial=following is not None and bool(asking.survey.questions))
        if following is not None:
            return _question(asking, following, answers, saved=True)
        score = answers.get(SCORE)
        told = _plain(score) if isinstance(score, int | float) else None
        return page("survey_thanks", 200, asking.words, thanks=asking.thanks(answers), score=told)

    async def _count(self, asking: Asking, answers: JsonObject, following: str | None) -> Response:
        """The end of an anonymous survey; until then the answers are with their author alone, in the form."""
        if following is not None:
            return _question(asking, following, answers)
        answered = asking.answered(answers, self.clock.now(), partial=False)
        said = AnonymousAnswer(score=answered.score, comment=answered.comment, answers=answered.answers)
        told = msgspec.structs.replace(answered, score=None, comment=None, answers={})
        customer = asking.question.customer
        if not await self.store.answer_anonymously(customer, told, said, asking.survey.by):
            return page("survey_counted", 410, asking.words, thanks=None)
        self.bells.nudge([customer])
        return page("survey_counted", 200, asking.words, thanks=asking.thanks(answers))

    async def _keep(self, asking: Asking, answers: JsonObject, *, partial: bool) -> None:
        before = asking.before
        answered = asking.answered(answers, self.clock.now(), partial=partial)
        said = (answered.score, answered.comment, answered.answers, answered.partial)
        if before is None or (before.score, before.comment, before.answers, before.partial) != said:
            await self.store.place_order(asking.question.customer, answered)
            self.bells.nudge([asking.question.customer])

    async def _asking(self, request: Request, posted: Fields | None = None) -> Asking | Response:
        policies, words = await self.surroundings(request)
        try:
            key, _ = self.links.read_answer(request.path_params["token"])
            question = await self.store.survey_question(key)
            catalog = await self.published.catalog()
        except BadToken:
            return unknown_link(words)
        except StoreUnavailable:
            return try_again(words, posted)
        if question is None:
            return unknown_link(words)
        if question.erased:
            return page("survey_erased", 410, words)
        known = None if catalog is None else catalog.surveys.get(question.asked.survey)
        survey = known or _as_asked(question.asked)
        wording, words = _wording(request, survey, policies, words)
        closed = self._closed(question, survey, words)
        names: JsonObject = {**question.context, "workspace": workspace_names(policies)}
        reader = reader_of(question.context, policies, self.clock.now())
        return closed or Asking(key, question, survey, wording, words, names, reader)

    def _closed(self, question: SurveyQuestion, survey: Survey, words: Words) -> Response | None:
        now, before = self.clock.now(), question.answer
        if before is not None and survey.anonymous:
            return page("survey_counted", 410, words, thanks=None)
        if before is not None:
            score = None if before.score is None else _plain(before.score)
            over = now >= before.first_at + OPEN_FOR
            return page("survey_closed", 410, words, score=score) if over else None
        if survey.open is not None and question.asked_at is not None:
            over = now >= question.asked_at + timedelta(microseconds=parse_span(survey.open).length_us)
            return page("survey_over", 410, words) if over else None
        return None


def _as_asked(asked: AskedSurvey) -> Survey:
    """A survey that is not published any more: all that the message knew of it."""
    scale = {"from": asked.lowest, "to": asked.highest}
    return Survey.model_validate({"survey": asked.survey, "kind": "custom", "question": asked.question, "scale": scale})


def _wording(request: Request, survey: Survey, policies: Policies, words: Words) -> tuple[SurveyWords, Words]:
    """The survey's texts and the page's in one language: of those that the survey speaks, the reader's."""
    if not survey.languages:
        return SurveyWords(), words
    wanted = request.headers.get("Accept-Language", "")
    locale = best_of(wanted, [policies.locale, *survey.languages])
    return survey.languages.get(locale, SurveyWords()), words_for(locale, policies.locale)


def _question(
    asking: Asking, name: str, answers: Mapping[str, Json], *, status: int = 200, saved: bool = False
) -> Response:
    """The page of one question."""
    way = asking.route(answers)
    place = way.index(name) if name in way else 0
    asked, before = asking.question.asked, asking.before
    told = None if before is None or before.partial or name != SCORE else before.score
    return page(
        "survey",
        status,
        asking.words,
        here=name,
        shown=asking.shown(name, answers),
        carried=list(carried(answers, name)),
        number=place + 1,
        total=len(way),
        several=bool(asking.survey.questions),
        saved=saved,
        missing=status == 422,
        anonymous=asking.survey.anonymous,
        lowest=asked.lowest,
        highest=asked.highest,
        whole=asking.survey.kind != "rqi",
        so_far=None if told is None else _plain(told),
        most=TEXT_CHARS,
    )


def _plain(score: float) -> str:
    return f"{score:g}"
