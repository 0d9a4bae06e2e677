"""The workflows that bring customers to revisions: started, asked and steered by the revision's number."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from perennia.temporal.names import CUSTOMER_QUEUE, publish_workflow_id
from workflows.messages import PublishProgress, PublishStart
from workflows.publish import PublishWorkflow

CALL_TIMEOUT: Final = timedelta(seconds=10)
DEFAULT_RATE: Final = PublishStart(0).rate


class NotUnderWay(Exception):
    """The workflow has ended meanwhile: everybody has been reached."""


class Publishes:
    """``rate``: customers a second, to begin with. Methods raise `RPCError`, or `RuntimeError` where nobody can connect."""

    def __init__(self, client: Client, *, queue: str = CUSTOMER_QUEUE, rate: int = DEFAULT_RATE) -> None:
        self._client = client
        self._queue = queue
        self._rate = rate

    async def start(self, number: int, reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE) -> None:
        """Changes nothing where it runs already; ``reuse``: what becomes of one that has ended."""
        await self._client.start_workflow(
            PublishWorkflow.run,
            PublishStart(number, rate=self._rate),
            id=publish_workflow_id(number),
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=reuse,
            rpc_timeout=CALL_TIMEOUT,
        )

    async def progress(self, number: int) -> PublishProgress | None:
        """None: it has not begun, or no worker is there to answer."""
        try:
            return await self._handle(number).query(PublishWorkflow.progress, rpc_timeout=CALL_TIMEOUT)
        except WorkflowQueryFailedError:
            return None
        except RPCError as error:
            if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.DEADLINE_EXCEEDED):
                return None
            raise

    async def pause(self, number: int) -> None:
        """Raises `NotUnderWay`, as those below do."""
        await self._signal(number, "pause")

    async def resume(self, number: int) -> None:
        await self._signal(number, "resume")

    async def change_rate(self, number: int, rate: int) -> None:
        """``rate``: customers a second."""
        await self._signal(number, "change_rate", rate)

    async def _signal(self, number: int, name: str, *arguments: int) -> None:
        """Also to one that nobody has started yet: just published, and steered at once.

        One that has ended is not begun again: paused, it would wait for somebody for ever.
        """
        if await self._heard(number, name, *arguments):
            return
        try:
            await self.start(number, WorkflowIDReusePolicy.REJECT_DUPLICATE)
        except WorkflowAlreadyStartedError:
            raise NotUnderWay(number) from None
        if not await self._heard(number, name, *arguments):
            raise NotUnderWay(number)

    async def _heard(self, number: int, name: str, *arguments: int) -> bool:
        try:
            await self._handle(number).signal(name, args=arguments, rpc_timeout=CALL_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    def _handle(self, number: int) -> WorkflowHandle[PublishWorkflow, None]:
        return self._client.get_workflow_handle_for(PublishWorkflow.run, publish_workflow_id(number))
