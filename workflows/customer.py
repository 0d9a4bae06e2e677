"""One customer's life: bell, timer or an effect's end -> turn -> open effects as activities -> sleep until ``wake_at``.

The turn decides, the store remembers, this acts and waits. Nothing here knows what a playbook is, so nothing here changes
when playbooks do. The reasons for the order of things are in docs/decisions; the short form stands at each line.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as ActivityTimeout

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        Crm,
        EffectKind,
        EffectRequest,
        FailedEffect,
        Messages,
        Notices,
        OpenEffect,
        TurnReply,
        TurnRequest,
        Turns,
        Webhooks,
    )
    from workflows.messages import CustomerStart, LiveCustomer
    from workflows.policies import EFFECTS, TURN_RETRY, TURN_TIMEOUT, effect_queue


@workflow.defn
class CustomerWorkflow:
    @workflow.init
    def __init__(self, start: CustomerStart) -> None:
        self._start = start
        self._rung = True
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._ended: set[str] = set()
        self._failed: list[FailedEffect] = []
        self._timer: asyncio.Task[None] | None = None
        self._armed: datetime | None = None
        self._floor: datetime | None = None
        self._turns = 0

    @workflow.run
    async def run(self, start: CustomerStart) -> None:
        """Runs until nothing is scheduled and nothing is open. The next bell starts it again."""
        while True:
            reply = await self._take_turn()
            self._carry_out(reply.effects)
            if self._may_restart() and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(start)
            if self._rung or reply.unread:
                continue
            if not self._in_flight and reply.wake_at is None:
                return
            if self._may_restart() and workflow.info().get_current_history_length() > start.history_limit:
                workflow.continue_as_new(start)
            self._arm(reply.wake_at, reply.wake_in_ms)
            await workflow.wait_condition(lambda: self._rung)

    @workflow.signal
    def ring(self) -> None:
        """Something happened; the store knows what. Sets a flag and nothing else: what cannot fail cannot stick."""
        self._rung = True

    @workflow.query
    def live(self) -> LiveCustomer:
        return LiveCustomer(tuple(self._in_flight), self._armed, self._turns)

    async def _take_turn(self) -> TurnReply:
        """Clears the bell first: one that rings while the turn runs may have come too late for it, and is looked at again."""
        self._rung = False
        request = TurnRequest(self._start.customer, self._floor, tuple(self._failed))
        self._floor = None
        self._failed.clear()
        reply = await workflow.execute_local_activity_method(
            Turns.take,
            request,
            start_to_close_timeout=TURN_TIMEOUT,
            retry_policy=TURN_RETRY,
        )
        self._turns += 1
        return reply

    # --- effects ---

    def _carry_out(self, effects: tuple[OpenEffect, ...]) -> None:
        """Starts what is not under way.

        What has ended here and is open still wrote no result, or one that is not read yet: trying it again at once could go
        on for ever, so that is left to the sweep, which waits longer each time.
        """
        for effect in effects:
            if effect.key not in self._in_flight and effect.key not in self._ended:
                self._in_flight[effect.key] = asyncio.create_task(self._follow(effect))

    async def _follow(self, effect: OpenEffect) -> None:
        """Asks for one effect and rings when it ends. It wrote its result itself, unless it failed for good."""
        try:
            await self._ask(effect)
            self._ended.add(effect.key)
        except ActivityError as error:
            self._failed.append(FailedEffect(effect.key, _reason(error)))
        del self._in_flight[effect.key]
        self._rung = True

    def _ask(self, effect: OpenEffect) -> workflow.ActivityHandle[None]:
        policy = EFFECTS[effect.kind]
        match effect.kind:
            case EffectKind.EMAIL:
                method = Messages.send
            case EffectKind.CRM:
                method = Crm.write
            case EffectKind.WEBHOOK:
                method = Webhooks.call
            case EffectKind.NOTIFY:
                method = Notices.post
        return workflow.start_activity_method(
            method,
            EffectRequest(self._start.customer, effect.key),
            task_queue=effect_queue(workflow.info().task_queue, effect.kind, effect.lane),
            start_to_close_timeout=policy.attempt,
            schedule_to_close_timeout=policy.overall,
            heartbeat_timeout=policy.silence,
            retry_policy=policy.retry,
            priority=Priority(priority_key=effect.priority, fairness_key=effect.fairness),
        )

    # --- time ---

    def _arm(self, wake_at: datetime | None, wake_in_ms: int | None) -> None:
        """One timer, left alone while its instant stays: arming costs an event, and so does cancelling."""
        if wake_at == self._armed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed = wake_at
        self._timer = None
        if wake_at is not None and wake_in_ms is not None:
            self._timer = asyncio.create_task(self._wake(wake_at, timedelta(milliseconds=wake_in_ms)))

    async def _wake(self, wake_at: datetime, wake_in: timedelta) -> None:
        """Forgets that it was armed, else the same ``wake_at`` would never be armed again and the customer be stranded."""
        await workflow.sleep(wake_in)
        self._armed = self._timer = None
        self._floor = wake_at
        self._rung = True

    def _may_restart(self) -> bool:
        """A new run knows nothing of this one's activities, and begins with a turn that tells it everything else."""
        return not self._in_flight and not self._failed


def _reason(error: ActivityError) -> str:
    """A word for the decision log: the failure's own type where the activity gave one."""
    match error.cause:
        case ApplicationError(type=str(kind)):
            return kind
        case ActivityTimeout():
            return "timed_out"
        case _:
            return "failed"
