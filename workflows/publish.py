"""Brings the customers whom a publish concerns to the new revision, page by page, at a rate that the server can bear.

Who is concerned, and how far this has come, is the store's; so a run that is killed goes on where it was, and so does one
that is started a second time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import PageRequest, Reaching
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
            reply = await workflow.execute_local_activity_method(
                Reaching.bring_page,
                PageRequest(start.number, start.size),
                start_to_close_timeout=PAGE_TIMEOUT,
                retry_policy=TURN_RETRY,
            )
            self._state = replace(self._state, reached=self._state.reached + reply.rung)
            if reply.done:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._state)
            await workflow.sleep(timedelta(seconds=reply.rung / self._state.rate))

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
