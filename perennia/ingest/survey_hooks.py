"""``POST /hooks/surveys/{source}``: answers to surveys that other systems have asked, to whoever gave them.

The same call again changes nothing. Whose answer nobody knows is kept, and told to the team, who may give it to somebody:
nothing is lost, and nothing is guessed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from perennia.clock import Clock
from perennia.core.survey_definitions import Survey
from perennia.ingest.bells import Bells
from perennia.ingest.bodies import BodyError, read_body
from perennia.ingest.hooks import refused, wall_clock
from perennia.ingest.told_answers import FITS_NOTHING, NOT_ASKED, answer_in, response_key, survey_of, told_by
from perennia.providers.reports import Call, Unreadable, Unsigned
from perennia.providers.survey_answers import ToldAnswer, read_answer
from perennia.store.port import Store, StoreUnavailable
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
        survey = survey_of(source, told, await self.published.surveys())
        key = response_key(survey, source, told, body)
        if survey is None:
            await self._keep_aside(source, told, key, body, None, NOT_ASKED)
            return
        if survey.anonymous:
            log.warning("%s told of an answer to %s, which is anonymous: it was not kept", source, survey.survey)
            return
        before = await self.store.given_answer(key)
        # Whoever gave the response before, also where a person had to say who that is.
        known = None if before is None else before.customer
        contact = known or await self.store.contact_of(*told_by(survey, source, told))
        if contact is None:
            await self._keep_aside(source, told, key, body, survey.survey, "nobody knows who answered")
            return
        answered = answer_in(survey, source, told, key, self.clock.now(), before)
        if answered is None:
            await self._keep_aside(source, told, key, body, survey.survey, FITS_NOTHING)
            return
        await self.store.place_order(contact, answered, f"{source}:{told.call}")
        self.bells.nudge([contact])

    async def _keep_aside(
        self, source: str, told: ToldAnswer, response: str, body: bytes, survey: str | None, why: str
    ) -> None:
        log.warning("an answer that %s told of is kept aside: %s; see `perennia survey unclaimed`", source, why)
        aside = UnclaimedAnswer(
            id=f"{source}:{told.call}",
            source=source,
            survey=survey,
            reason=why,
            at=self.clock.now(),
            body=body.decode("utf-8", "replace"),
            response=response,
        )
        await self.store.keep_unclaimed(aside)
