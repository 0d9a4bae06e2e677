"""Brings a broadcast to its audience, page by page, and ends it page by page where it is cancelled.

How far it is, whether it may go on, and how long it rests in between is the store's to say: a run that is killed goes on where it
was, one that is paused ends, and whoever lets it go on starts it again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import Broadcasting, BroadcastReply, BroadcastRequest
    from workflows.messages import BroadcastStart
    from workflows.policies import PAGE_TIMEOUT, TURN_RETRY


@workflow.defn
class BroadcastWorkflow:
    @workflow.init
    def __init__(self, start: BroadcastStart) -> None:
        self._state = start
        self._rung = False

    @workflow.run
    async def run(self, start: BroadcastStart) -> None:
        """Ends when there is nothing to do before somebody rings."""
        while True:
            self._rung = False
            reply = await self._go_on(start.broadcast)
            self._state = replace(self._state, entered=self._state.entered + reply.entered)
            if reply.over and not self._rung:
                return
            if self._is_long():
                workflow.continue_as_new(self._state)
            await self._rest(reply)

    async def _go_on(self, broadcast: str) -> BroadcastReply:
        """The workflow's own id is what began this way through the audience: each occasion of a recurring one has another."""
        return await workflow.execute_local_activity_method(
            Broadcasting.go_on,
            BroadcastRequest(broadcast, workflow.info().workflow_id),
            start_to_close_timeout=PAGE_TIMEOUT,
            retry_policy=TURN_RETRY,
        )

    async def _rest(self, reply: BroadcastReply) -> None:
        if reply.wait_ms <= 0:
            return
        try:
            await workflow.wait_condition(lambda: self._rung, timeout=timedelta(milliseconds=reply.wait_ms))
        except TimeoutError:
            return

    def _is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > self._state.history_limit

    @workflow.signal
    def ring(self) -> None:
        """Somebody steered it; the store knows how."""
        self._rung = True

    @workflow.query
    def entered(self) -> int:
        """How many customers this run has entered so far."""
        return self._state.entered
