"""Takes in what is new in a database: one run. A Temporal Schedule starts it again and again.

How far it has come is the store's; so a run that is killed goes on where it was, and so does the next.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import Pulling, PullRequest
    from workflows.messages import PullStart
    from workflows.policies import PULL, pull_queue


@workflow.defn
class PullWorkflow:
    @workflow.run
    async def run(self, start: PullStart) -> None:
        """Ends when all that was there has been taken in."""
        await workflow.execute_activity_method(
            Pulling.pull,
            PullRequest(start.name),
            task_queue=pull_queue(workflow.info().task_queue),
            start_to_close_timeout=PULL.attempt,
            heartbeat_timeout=PULL.silence,
            schedule_to_close_timeout=PULL.overall,
            retry_policy=PULL.retry,
        )
