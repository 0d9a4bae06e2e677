"""What was answered to surveys: scores with their intervals, and the answers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from perennia.api.published import Published
from perennia.api.survey_scores import labelled, score_of
from perennia.api.views import ResponseView, SurveyReport
from perennia.store.port import Store

Since = Annotated[AwareDatetime | None, Query(description="Answers from this instant on")]
Until = Annotated[AwareDatetime | None, Query(description="Answers before this instant")]


@dataclass(frozen=True)
class SurveyReports:
    store: Store
    published: Published

    def router(self) -> APIRouter:
        router = APIRouter(tags=["surveys"])
        router.get("/surveys/{survey}/report")(self.report)
        router.get("/surveys/{survey}/answers")(self.answers)
        return router

    async def report(self, survey: str, since: Since = None, until: Until = None) -> SurveyReport:
        """What a survey's answers come to, of each customer the last in the period, with a 95 % interval."""
        definition = await self.published.must_have_survey(survey)
        counts = await self.store.count_scores(survey, since, until)
        score = score_of(definition, counts)
        return SurveyReport(
            survey=survey,
            kind=definition.kind,
            answers=sum(counts.values()),
            labels=labelled(definition, counts),
            scores={f"{given:g}": count for given, count in counts.items()},
            **score._asdict(),
        )

    async def answers(
        self,
        survey: str,
        since: Since = None,
        until: Until = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[ResponseView]:
        """The answers to a survey, newest first, with what people wrote."""
        await self.published.must_have_survey(survey)
        found = await self.store.responses(survey, since, until, limit)
        return [ResponseView.model_validate(one) for one in found]
