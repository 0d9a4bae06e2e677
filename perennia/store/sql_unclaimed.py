"""`Unclaimed`'s methods over a database."""

from __future__ import annotations

from perennia.core.decisions import SurveyAnswered
from perennia.store import unclaimed
from perennia.store.driver import Driver
from perennia.store.survey_records import AnswerGiven, UnclaimedAnswer
from perennia.store.unclaimed_port import Unclaimed


class SqlUnclaimed(Unclaimed):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def contact_of(self, reference: str | None, email: str | None) -> str | None:
        return await self._driver.read("contact_of", lambda c: unclaimed.contact_of(c, reference, email))

    async def keep_unclaimed(self, answer: UnclaimedAnswer) -> None:
        await self._driver.write("keep_unclaimed", lambda c: unclaimed.keep_unclaimed(c, answer))

    async def unclaimed(self, limit: int = 100, after: str | None = None) -> list[UnclaimedAnswer]:
        return await self._driver.read("unclaimed", lambda c: unclaimed.list_unclaimed(c, limit, after))

    async def unclaimed_response(self, id_: str) -> list[UnclaimedAnswer]:
        return await self._driver.read("unclaimed_response", lambda c: unclaimed.of_response(c, id_))

    async def answer_given(self, id_: str) -> AnswerGiven | None:
        return await self._driver.read("answer_given", lambda c: unclaimed.given(c, id_))

    async def give_answer(self, id_: str, customer: str, answer: SurveyAnswered) -> AnswerGiven | None:
        return await self._driver.write("give_answer", lambda c: unclaimed.give(c, id_, customer, answer))
