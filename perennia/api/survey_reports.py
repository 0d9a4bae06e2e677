"""What was answered to surveys: scores with their intervals, by period and group, each question; and the answers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from perennia.access.scopes import KeyScope
from perennia.api.forms import Instant
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.published import Published
from perennia.api.survey_counting import PERIODS, Mark, Per, of_each_the_last, question_report, score_view, with_parts
from perennia.api.survey_views import ResponseView, SurveyReport
from perennia.core.calendar import find_zone
from perennia.core.compiled import Catalog
from perennia.core.deliberation import Deliberation
from perennia.core.expressions import Expression
from perennia.core.json_values import Json
from perennia.core.state import CustomerState
from perennia.core.survey_definitions import Survey
from perennia.store.port import Store

Since = Annotated[Instant | None, Query(description="Answers from this instant on")]
Until = Annotated[Instant | None, Query(description="Answers before this instant")]
By = Annotated[
    str | None,
    Query(description="In groups: by a trait (`plan`), a trait of the account (`account.plan`) or `segment:NAME`"),
]
SEGMENT = "segment:"


@dataclass(frozen=True)
class SurveyReports:
    store: Store
    published: Published

    def router(self) -> APIRouter:
        router = APIRouter(tags=["surveys"], dependencies=needs(KeyScope.SURVEYS_READ))
        router.get("/surveys/{survey}/report")(self.report)
        router.get("/surveys/{survey}/answers")(self.answers)
        return router

    async def report(
        self, survey: str, since: Since = None, until: Until = None, per: Per | None = None, by: By = None
    ) -> SurveyReport:
        """What a survey's answers come to, of each customer the last in the period, with a 95 % interval.

        Of an anonymous survey: by whole months, of five answers and more, and in groups of the traits that it keeps.
        """
        definition = await self.published.must_have_survey(survey)
        if definition.anonymous:
            marks, waiting = await self._anonymous(definition, since, until, per, by)
        else:
            marks, waiting = await self._of_customers(definition, since, until, per, by), 0
        all_of_them = of_each_the_last(marks)
        return SurveyReport(
            **score_view(definition, survey, all_of_them).model_dump(),
            survey=survey,
            kind=definition.kind,
            anonymous=definition.anonymous,
            waiting=waiting,
            questions=[question_report(question, all_of_them) for question in definition.questions],
            periods=[] if per is None else with_parts(definition, marks, lambda mark: mark.period),
            groups=[] if by is None else with_parts(definition, marks, lambda mark: mark.group),
        )

    async def _of_customers(
        self, survey: Survey, since: Since, until: Until, per: Per | None, by: str | None
    ) -> list[Mark]:
        catalog = await self.published.catalog()
        assert catalog is not None  # noqa: S101 - the survey is published
        zone, _ = find_zone(catalog.policies.timezone)
        segment = (
            await self.published.must_have_segment(by.removeprefix(SEGMENT))
            if by is not None and by.startswith(SEGMENT)
            else None
        )
        rows = await self.store.answered(survey.survey, since, until, states=by is not None)
        return [
            Mark(
                author=row.customer,
                period=_period(row.at, per, zone),
                group=None if by is None else _group(catalog, row.state, by, segment),
                score=row.score,
                answers=row.answers,
            )
            for row in rows
        ]

    async def _anonymous(
        self, survey: Survey, since: Since, until: Until, per: Per | None, by: str | None
    ) -> tuple[list[Mark], int]:
        if per in {"day", "week"}:
            message = f"{survey.survey!r} is anonymous: its answers have no other time than the month."
            raise Problem(422, "Anonymous survey", message)
        if by is not None and by not in survey.by:
            kept = f"these traits: {', '.join(survey.by)}" if survey.by else "no traits"
            raise Problem(422, "Anonymous survey", f"{survey.survey!r} keeps {kept}, not {by!r}.")
        batches, waiting = await self.store.anonymous_batches(survey.survey)
        first = "" if since is None else f"{since:%Y-%m}"
        last = "9999" if until is None else f"{until:%Y-%m}"
        marks = [
            Mark(
                author=None,
                period=PERIODS[per](int(batch.month[:4]), int(batch.month[5:])) if per is not None else None,
                group=None if by is None else _word(batch.group.get(by)),
                score=answer.score,
                answers=answer.answers,
            )
            for batch in batches
            if first <= batch.month <= last
            for answer in batch.answers
        ]
        return marks, waiting

    async def answers(
        self,
        survey: str,
        page: Paged,
        since: Since = None,
        until: Until = None,
    ) -> list[ResponseView]:
        """The answers to a survey, newest first, with what people wrote. Of an anonymous one: that somebody answered."""
        await self.published.must_have_survey(survey)
        found = await page.of(
            lambda limit, after: self.store.responses(survey, since, until, limit, after), lambda one: one.cursor
        )
        return [ResponseView.model_validate(one) for one in found]


def _period(at: datetime, per: Per | None, zone: ZoneInfo) -> str | None:
    day = at.astimezone(zone).date()
    match per:
        case None:
            return None
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case _:
            return PERIODS[per](day.year, day.month)


def _group(catalog: Catalog, state: CustomerState | None, by: str, segment: Expression | None) -> str:
    if segment is not None:
        inside = state is not None and Deliberation(catalog, state, {}).holds(segment, None)
        return f"{'in' if inside else 'not in'} {by.removeprefix(SEGMENT)}"
    if state is None:
        return _word(None)
    if by.startswith("account."):
        return _word((state.facts.account or {}).get(by.removeprefix("account.")))
    return _word(state.facts.traits.get(by))


def _word(value: Json) -> str:
    return "(none)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
