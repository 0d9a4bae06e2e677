"""Orders of people and systems to one customer: enroll, skip, pause, resume, end, set a stage, end a task, answer.

An order is an input like any other: stored, the bell rung, and taken by the customer's next turn. The caller waits for that
turn, because what it decided is the answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Response

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.published import Published
from perennia.api.repeats import REQUEST
from perennia.api.views import (
    AnswerBody,
    ApprovalBody,
    EnrollBody,
    LockBody,
    OrderAnswer,
    OrderBody,
    StageBody,
    TaskBody,
    UnlockBody,
    decision_view,
)
from perennia.clock import Clock
from perennia.core.decisions import (
    Answer,
    ApprovalEnded,
    EnrollmentOrder,
    EnrollOrder,
    Input,
    StageLockOrder,
    StageOrder,
    SurveyAnswered,
    TaskEnded,
)
from perennia.core.definitions import Scope
from perennia.core.questionnaire import SCORE, objection, score_of
from perennia.ingest.bells import Bells
from perennia.store.port import OtherWork, Store, UnknownCustomer

FIRST_LOOK = 0.02  # seconds; a turn takes a few milliseconds once its workflow is awake
LONGEST_PAUSE = 0.25


@dataclass(frozen=True)
class Orders:
    """``patience``: how long a caller waits, in real time, for the turn that takes the order."""

    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog
    published: Published
    patience: timedelta

    def router(self) -> APIRouter:
        router = APIRouter(tags=["orders"])
        customers, tasks = needs(KeyScope.CUSTOMERS_WRITE), needs(KeyScope.TASKS_WRITE)
        for path, act, needed in (
            ("/customers/{reference:path}/enroll", self.enroll, customers),
            ("/customers/{reference:path}/orders", self.steer, customers),
            ("/customers/{reference:path}/stage", self.set_stage, customers),
            ("/customers/{reference:path}/stage/lock", self.lock_stage, customers),
            ("/customers/{reference:path}/stage/unlock", self.unlock_stage, customers),
            ("/customers/{reference:path}/answers", self.answer_survey, needs(KeyScope.SURVEYS_WRITE)),
            ("/tasks/{key:path}/done", self.finish_task, tasks),
            ("/tasks/{key:path}/cancel", self.cancel_task, tasks),
            ("/approvals/{key:path}/approve", self.approve, tasks),
            ("/approvals/{key:path}/deny", self.deny, tasks),
        ):
            router.add_api_route(
                path,
                act,
                methods=["POST"],
                response_model=OrderAnswer,
                dependencies=needed,
                responses={202: {"model": OrderAnswer, "description": "Stored for good, not taken yet"}},
            )
        return router

    async def enroll(
        self, reference: str, body: EnrollBody, response: Response, kind: Scope | None = None
    ) -> OrderAnswer:
        """Enrolls the customer in a playbook. A refusal is a decision too: it is in the answer, with its reason code."""
        await self.published.must_have_playbook(body.playbook)
        order = EnrollOrder(
            at=self.clock.now(),
            playbook=body.playbook,
            by_person=body.by_person,
            by=body.by,
            payload=body.payload,
        )
        return await self._place(await self.store.find(reference, kind), order, body.by, "enroll", response)

    async def steer(
        self, reference: str, body: OrderBody, response: Response, kind: Scope | None = None
    ) -> OrderAnswer:
        """Skips the step that the customer's enrollment stands at, or pauses, resumes or ends the enrollment.

        Several that differ in their key are steered together, or only the one whose key is told.
        """
        order = EnrollmentOrder(at=self.clock.now(), order=body.order, playbook=body.playbook, by=body.by, key=body.key)
        return await self._place(await self.store.find(reference, kind), order, body.by, body.order, response)

    async def set_stage(
        self, reference: str, body: StageBody, response: Response, kind: Scope | None = None
    ) -> OrderAnswer:
        """Sets the customer's stage in a track by hand."""
        await self.published.must_have_stage(body.track, body.stage)
        order = StageOrder(at=self.clock.now(), track=body.track, stage=body.stage, by=body.by)
        return await self._place(await self.store.find(reference, kind), order, body.by, "stage", response)

    async def lock_stage(
        self, reference: str, body: LockBody, response: Response, kind: Scope | None = None
    ) -> OrderAnswer:
        """Keeps the customer in the stage of a track in which it stands: no criterion and no step moves it."""
        await self.published.must_have_track(body.track)
        order = StageLockOrder(
            at=self.clock.now(), track=body.track, locked=True, by=body.by, until=body.until, why=body.why
        )
        return await self._place(await self.store.find(reference, kind), order, body.by, "lock", response)

    async def unlock_stage(
        self, reference: str, body: UnlockBody, response: Response, kind: Scope | None = None
    ) -> OrderAnswer:
        """Lets the customer move again, and looks at once where it belongs."""
        await self.published.must_have_track(body.track)
        order = StageLockOrder(at=self.clock.now(), track=body.track, locked=False, by=body.by)
        return await self._place(await self.store.find(reference, kind), order, body.by, "unlock", response)

    async def answer_survey(
        self, reference: str, body: AnswerBody, response: Response, kind: Scope | None = None
    ) -> OrderAnswer:
        """The customer has answered a survey: what asks it goes on at once. The same `message_id` again has no effect."""
        survey = await self.published.must_have_survey(body.survey)
        if survey.anonymous:
            raise Problem(422, "Anonymous survey", f"{body.survey!r} is answered by its own page alone.")
        wrong = objection(survey, body.score, body.answers)
        if wrong is not None:
            title = "Not on the scale" if wrong.name == SCORE else "No such answer"
            what = "score" if wrong.name == SCORE else f"answer {wrong.name!r}"
            raise Problem(422, title, f"The {what} of {body.survey!r} is {wrong.must}.")
        answer = SurveyAnswered(
            at=self.clock.now(),
            survey=body.survey,
            score=body.score if body.score is not None else score_of(survey, body.answers),
            comment=body.comment,
            by=body.by,
            answers=body.answers,
        )
        customer = await self.store.find(reference, kind)
        return await self._place(customer, answer, body.by, "answer", response, body.message_id)

    async def finish_task(self, key: str, body: TaskBody, response: Response) -> OrderAnswer:
        """The task is done."""
        return await self._end_task(key, "done", body, response)

    async def cancel_task(self, key: str, body: TaskBody, response: Response) -> OrderAnswer:
        """The task will not be done."""
        return await self._end_task(key, "cancelled", body, response)

    async def _end_task(
        self, key: str, outcome: Literal["done", "cancelled"], body: TaskBody, response: Response
    ) -> OrderAnswer:
        order = TaskEnded(at=self.clock.now(), key=key, outcome=outcome, result=body.result, by=body.by)
        await self.audit.write(body.by, f"task {outcome}", key)
        try:
            customer, seq = await self.store.place_order_at_task(key, order)
        except UnknownCustomer as error:
            raise Problem(404, "Unknown task", f"There is no task {key!r}. List them: GET /api/v1/tasks") from error
        except OtherWork as error:
            remedy = f"answer it: POST /api/v1/approvals/{key}/approve or /deny"
            raise Problem(409, "Not a task", f"{key!r} is a question for approval; {remedy}") from error
        return await self.answered(customer, seq, order.at, response)

    async def approve(self, key: str, body: ApprovalBody, response: Response) -> OrderAnswer:
        """Yes: the customer goes on with what the step says under `then`."""
        return await self._answer_approval(key, "approved", body, response)

    async def deny(self, key: str, body: ApprovalBody, response: Response) -> OrderAnswer:
        """No: the customer goes on with what the step says under `else`."""
        return await self._answer_approval(key, "denied", body, response)

    async def _answer_approval(self, key: str, decision: Answer, body: ApprovalBody, response: Response) -> OrderAnswer:
        order = ApprovalEnded(at=self.clock.now(), key=key, decision=decision, by=body.by, comment=body.comment)
        await self.audit.write(body.by, f"approval {decision}", key)
        try:
            customer, seq = await self.store.place_order_at_task(key, order)
        except UnknownCustomer as error:
            remedy = "List them: GET /api/v1/approvals"
            raise Problem(404, "Unknown approval", f"There is no approval {key!r}. {remedy}") from error
        except OtherWork as error:
            remedy = f"end it: POST /api/v1/tasks/{key}/done or /cancel"
            raise Problem(409, "Not an approval", f"{key!r} is a task; {remedy}") from error
        return await self.answered(customer, seq, order.at, response)

    async def _place(
        self,
        customer: str,
        order: Input,
        by: str,
        action: str,
        response: Response,
        message_id: str | None = None,
    ) -> OrderAnswer:
        await self.audit.write(by, action, customer, **_what(order))
        seq = await self.store.place_order(customer, order, message_id or REQUEST.get())
        return await self.answered(customer, seq, order.at, response)

    async def answered(self, customer: str, seq: int, at: datetime, response: Response) -> OrderAnswer:
        """What was decided for the customer since ``at``, once a turn has taken their input ``seq``, or patience is over."""
        self.bells.nudge([customer])
        taken = await self._wait(customer, seq)
        if not taken:
            response.status_code = 202
        rows = await self.store.journal(customer) if taken else []
        return OrderAnswer(
            customer=customer,
            taken=taken,
            decisions=[decision_view(row) for row in rows if row.entry.at >= at],
        )

    async def _wait(self, customer: str, seq: int) -> bool:
        """True once a committed turn has read the input ``seq``; False when patience is over."""
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                pause = FIRST_LOOK
                while await self.store.cursor(customer) < seq:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        except TimeoutError:
            return False
        return True


def _what(order: Input) -> dict[str, str | bool]:
    """What the audit log keeps of an order: ids, no payload."""
    match order:
        case EnrollOrder(playbook=playbook, by_person=by_person):
            return {"playbook": playbook, "by_person": by_person}
        case EnrollmentOrder(playbook=playbook, key=key):
            return {"playbook": playbook} if key is None else {"playbook": playbook, "key": key}
        case StageOrder(track=track, stage=stage):
            return {"track": track, "stage": stage}
        case StageLockOrder(track=track):
            return {"track": track}
        case SurveyAnswered(survey=survey):
            return {"survey": survey}
        case _:
            return {}
