"""The page behind a survey's link: a person confirms the score, then may say more.

Mail scanners open every link, those of single scores too, so GET and HEAD never record anything. What was answered can be
changed for `OPEN_FOR`; the last answer counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, body_of, fields_of, page, try_again, unknown_link
from perennia.api.words import Words
from perennia.core.decisions import AskedSurvey, SurveyAnswered
from perennia.core.definitions import Policies
from perennia.core.survey_definitions import KINDS, Survey
from perennia.rendering import TemplateError, reader_of, render_text, workspace_names
from perennia.rendering.links import BadToken
from perennia.store.port import StoreUnavailable, UnknownCustomer
from perennia.store.records import GivenAnswer, SurveyQuestion

# From the first answer on.
OPEN_FOR = timedelta(days=7)
COMMENT_CHARS = 2000
# A longer scale is a number to type.
MOST_CHOICES = 11


class _Asking(NamedTuple):
    """One request for a page that its link leads to. ``survey``: as it is published now, None where it is not any more."""

    key: str
    question: SurveyQuestion
    survey: Survey | None
    policies: Policies
    words: Words
    now: datetime


@dataclass(frozen=True)
class SurveyPage(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/s/{token}", self.ask, methods=["GET", "HEAD"], name="survey page"),
            Route("/s/{token}", self.answer, methods=["POST"], name="answer a survey"),
        ]

    async def ask(self, request: Request) -> Response:
        """Shows the question with the scale, the link's score chosen. Changes nothing."""
        asking = await self._asking(request)
        if isinstance(asking, Response):
            return asking
        chosen = _score(asking, request.query_params.get("score"))
        if chosen is None and asking.question.answer is not None:
            chosen = asking.question.answer.score
        return _scale(asking, 200, chosen)

    async def answer(self, request: Request) -> Response:
        """Keeps the score, and the comment where one was written; shows what comes next."""
        fields = fields_of(await body_of(request))
        asking = await self._asking(request, fields)
        if isinstance(asking, Response):
            return asking
        score = _score(asking, fields.get("score"))
        if score is None:
            return _scale(asking, 422, None)
        comment = _comment(fields.get("comment"), asking.question.answer)
        try:
            await self._keep(asking, score, comment)
        except StoreUnavailable:
            return try_again(asking.words, fields)
        except UnknownCustomer:
            return unknown_link(asking.words)
        follow_up = None if "comment" in fields else _follow_up(asking, score)
        if follow_up is None:
            return page("survey_thanks", 200, asking.words, score=_plain(score))
        about = {"score": _plain(score), "comment": comment or "", "most": str(COMMENT_CHARS)}
        return page("survey_follow_up", 200, asking.words, None, follow_up=follow_up, **about)

    async def _keep(self, asking: _Asking, score: float, comment: str | None) -> None:
        before = asking.question.answer
        if before is not None and (before.score, before.comment) == (score, comment):
            return
        answered = SurveyAnswered(
            at=self.clock.now(),
            survey=asking.question.asked.survey,
            score=score,
            comment=comment,
            key=asking.key,
            by="page",
        )
        await self.store.place_order(asking.question.customer, answered)
        self.bells.nudge([asking.question.customer])

    async def _asking(self, request: Request, posted: dict[str, str] | None = None) -> _Asking | Response:
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
        before = question.answer
        if before is not None and self.clock.now() >= before.first_at + OPEN_FOR:
            return page("survey_closed", 410, words, score=_plain(before.score))
        survey = None if catalog is None else catalog.surveys.get(question.asked.survey)
        return _Asking(key, question, survey, policies, words, self.clock.now())


def _scale(asking: _Asking, status: int, chosen: float | None) -> Response:
    asked = asking.question.asked
    before = asking.question.answer
    choices = range(asked.lowest, asked.highest + 1)
    return page(
        "survey",
        status,
        asking.words,
        question=_text(asking, asked.question) or asked.survey,
        lowest=asked.lowest,
        highest=asked.highest,
        choices=list(choices) if len(choices) <= MOST_CHOICES and _whole(asking) else [],
        step="1" if _whole(asking) else "any",
        chosen=None if chosen is None else _plain(chosen),
        so_far=None if before is None else _plain(before.score),
        missing=status == 422,
    )


def _whole(asking: _Asking) -> bool:
    return asking.survey is None or KINDS[asking.survey.kind].whole


def _score(asking: _Asking, text: str | None) -> float | None:
    """The score of the scale that the message asked on; None for anything else."""
    asked: AskedSurvey = asking.question.asked
    try:
        score = float(text or "")
    except ValueError:
        return None
    if not asked.lowest <= score <= asked.highest:  # false for what is no number, too
        return None
    return score if score == int(score) or not _whole(asking) else None


def _comment(text: str | None, before: GivenAnswer | None) -> str | None:
    """What was written now; a score that is changed alone keeps what was written to the one before."""
    if text is None:
        return None if before is None else before.comment
    return text.replace("\r\n", "\n").strip()[:COMMENT_CHARS] or None


def _follow_up(asking: _Asking, score: float) -> str | None:
    survey = asking.survey
    label = None if survey is None else survey.label_of(score)
    if survey is None or label is None or label not in survey.follow_up:
        return None
    return _text(asking, survey.follow_up[label])


def _text(asking: _Asking, source: str) -> str | None:
    """The survey's text for this customer, None where a name in it has no value."""
    context = asking.question.context
    reader = reader_of(context, asking.policies, asking.now)
    try:
        return render_text(source, {**context, "workspace": workspace_names(asking.policies)}, reader)
    except TemplateError:
        return None


def _plain(score: float) -> str:
    return f"{score:g}"
