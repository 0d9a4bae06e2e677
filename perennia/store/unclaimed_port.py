"""The part of the store's interface that is about answers other systems tell of: to whom they belong."""

from __future__ import annotations

from typing import Protocol

from perennia.core.decisions import SurveyAnswered
from perennia.store.survey_records import AnswerGiven, UnclaimedAnswer


class Unclaimed(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def contact_of(self, reference: str | None, email: str | None) -> str | None:
        """The contact with this external id, else the only one with this address. None: nobody, or several."""
        ...

    async def keep_unclaimed(self, answer: UnclaimedAnswer) -> None:
        """Keeps it aside, unless one of the same id is there already, or was given to somebody."""
        ...

    async def unclaimed(self, limit: int = 100, after: str | None = None) -> list[UnclaimedAnswer]:
        """Newest first, behind the one whose cursor is ``after``."""
        ...

    async def unclaimed_response(self, id_: str) -> list[UnclaimedAnswer]:
        """What is kept under this id, with all else that was told of the same response, the first first; else nothing."""
        ...

    async def answer_given(self, id_: str) -> AnswerGiven | None:
        """Who has the answer that was told under this id; None: nobody."""
        ...

    async def give_answer(self, id_: str, customer: str, answer: SurveyAnswered) -> AnswerGiven | None:
        """Gives what is kept under this id to the customer (internal id), as an input of theirs; it is unclaimed no more.

        Whose it is by then: somebody else's, where they were faster. None: nothing is kept under the id, and nobody has it.
        Raises `UnknownCustomer`.
        """
        ...
