"""Brings the customers whom a publish concerns to the new revision, page by page, at a rate that the server can bear.

Who is concerned, and how far this has come, is the store's; so a run that is killed goes on where it was, and so does one
that is started a second time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import PageReply, PageRequest, Reaching
    from workflows.messages import PublishProgress, PublishStart
    from workflows.policies import PAGE_TIMEOUT, TURN_RETRY


@workflow.defn
class PublishWorkflow:
    @workflow.init
    def __init__(self, start: PublishStart) -> None:
        self._state = start

    @workflow.run
    async def run(self, start: PublishStart) -> None:
        """Ends when the last of them was rung."""
        while True:
            await workflow.wait_condition(lambda: not self._state.paused)
            reply = await self._bring_page(start.number)
            self._state = replace(self._state, reached=self._state.reached + reply.rung)
            if reply.done:
                return
            if self._is_long():
                workflow.continue_as_new(self._state)
            await self._rest(reply.rung)

    async def _bring_page(self, number: int) -> PageReply:
        """No more customers than fit into a second: nobody else's bell waits longer behind theirs."""
        return await workflow.execute_local_activity_method(
            Reaching.bring_page,
            PageRequest(number, min(self._state.size, self._state.rate)),
            start_to_close_timeout=PAGE_TIMEOUT,
            retry_policy=TURN_RETRY,
        )

    async def _rest(self, rung: int) -> None:
        """As long as so many take at the rate; a new rate, or a pause, holds from the moment it is told."""
        before = self._state
        try:
            await workflow.wait_condition(
                lambda: self._state is not before, timeout=timedelta(seconds=rung / before.rate)
            )
        except TimeoutError:
            return

    def _is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > self._state.history_limit

    @workflow.signal
    def pause(self) -> None:
        self._state = replace(self._state, paused=True)

    @workflow.signal
    def resume(self) -> None:
        self._state = replace(self._state, paused=False)

    @workflow.signal
    def change_rate(self, rate: int) -> None:
        """Customers a second; less than one is one."""
        self._state = replace(self._state, rate=max(1, rate))

    @workflow.query
    def progress(self) -> PublishProgress:
        return PublishProgress(self._state.reached, self._state.rate, self._state.paused)
