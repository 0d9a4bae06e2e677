"""Answers that other systems told of and that could be given to nobody: looking at them, and saying whose they are.

All that was told of one response is given together. Said again it changes nothing, and what the other system tells of the
response later goes to the same customer.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.orders import Orders
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.published import Published
from perennia.api.survey_views import GiveAnswerBody, UnclaimedView
from perennia.api.views import OrderAnswer
from perennia.clock import Clock
from perennia.core.decisions import SurveyAnswered
from perennia.ingest.told_answers import FITS_NOTHING, NOT_ASKED, answer_in, response_key, survey_of, told_again
from perennia.store.port import Store
from perennia.store.survey_records import AnswerGiven, UnclaimedAnswer


@dataclass(frozen=True)
class UnclaimedAnswers:
    store: Store
    clock: Clock
    audit: AuditLog
    published: Published
    orders: Orders

    def router(self) -> APIRouter:
        router = APIRouter(tags=["surveys"], prefix="/unclaimed-answers")
        router.get("", dependencies=needs(KeyScope.SURVEYS_READ))(self.unclaimed)
        router.add_api_route(
            "/{answer:path}/give",
            self.give,
            methods=["POST"],
            response_model=OrderAnswer,
            dependencies=needs(KeyScope.SURVEYS_WRITE),
            responses={202: {"model": OrderAnswer, "description": "Stored for good, not taken yet"}},
        )
        return router

    async def unclaimed(self, page: Paged) -> list[UnclaimedView]:
        """Answers that other systems told of and that could be given to nobody, newest first, as they came."""
        found = await page.of(self.store.unclaimed, lambda one: one.cursor)
        return [UnclaimedView.model_validate(one) for one in found]

    async def give(self, answer: str, body: GiveAnswerBody, response: Response) -> OrderAnswer:
        """This answer is the contact's, with all else that was told of the response: what asks the survey goes on at once.

        Giving it to the same contact again has no effect; giving it to another is refused (409).
        """
        customer = await self.store.find(body.customer, "contact")
        at = self.clock.now()
        kept = await self.store.unclaimed_response(answer)
        given = None if kept else await self.store.answer_given(answer)
        for one in kept:
            said = await self._answer_in(one, needed=one.id == answer)
            if said is None:
                continue
            told = {"answer": one.id, "survey": said.survey}
            await self.audit.write(body.by, "give answer", customer, **told)
            given = await self.store.give_answer(one.id, customer, said)
            _must_be_theirs(given, one.id, customer)
        theirs = _must_be_theirs(given, answer, customer)
        return await self.orders.answered(customer, theirs.seq, at, response)

    async def _answer_in(self, kept: UnclaimedAnswer, *, needed: bool) -> SurveyAnswered | None:
        """What was told, as an answer to a survey that is published now. Where it is none: a 422 `Problem` if it is needed."""
        told = told_again(kept)
        if told is None:
            raise Problem(
                422, "Unreadable answer", f"{kept.id!r} can be read no more; enter it with `perennia answer`."
            )
        survey = survey_of(kept.source, told, await self.published.surveys())
        if survey is None:
            remedy = f"Publish one that names {kept.source!r} under `sources`."
            raise Problem(422, "No survey for it", f"Of {kept.id!r}: {NOT_ASKED}. {remedy}")
        if survey.anonymous:
            raise Problem(422, "Anonymous survey", f"{survey.survey!r} is answered by its own page alone.")
        key = response_key(survey, kept.source, told, kept.body.encode())
        before = await self.store.given_answer(key)
        answer = answer_in(survey, kept.source, told, key, self.clock.now(), before)
        if answer is None and needed:
            remedy = f"Map its fields under `sources` of {survey.survey!r}, and publish that."
            raise Problem(422, "No such answer", f"Of {kept.id!r}: {FITS_NOTHING}. {remedy}")
        return answer


def _must_be_theirs(given: AnswerGiven | None, id_: str, customer: str) -> AnswerGiven:
    if given is None:
        remedy = "List them: GET /api/v1/unclaimed-answers"
        raise Problem(404, "Unknown answer", f"No unclaimed answer has the id {id_!r}. {remedy}")
    if given.customer != customer:
        raise Problem(409, "Given to somebody else", f"{id_!r} was given to {given.customer}, and stays theirs.")
    return given
