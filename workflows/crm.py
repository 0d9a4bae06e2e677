"""Keeps customers and the CRM's records equal: one run, step by step. A Temporal Schedule starts it again and again.

How far it has come is the store's; so a run that is killed goes on where it was, and so does the next.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contracts import CrmStep, CrmSyncing, EffectKind
    from workflows.messages import CrmSyncStart
    from workflows.policies import CRM_STEP, HISTORY_LIMIT, effect_queue


@workflow.defn
class CrmSyncWorkflow:
    @workflow.run
    async def run(self, start: CrmSyncStart) -> None:
        """Ends when both sides were compared."""
        queue = effect_queue(workflow.info().task_queue, EffectKind.CRM)
        position: str | None = start.position
        while position is not None:
            if workflow.info().get_current_history_length() > HISTORY_LIMIT:
                workflow.continue_as_new(CrmSyncStart(position))
            reply = await workflow.execute_activity_method(
                CrmSyncing.step,
                CrmStep(position),
                task_queue=queue,
                start_to_close_timeout=CRM_STEP.attempt,
                heartbeat_timeout=CRM_STEP.silence,
                schedule_to_close_timeout=CRM_STEP.overall,
                retry_policy=CRM_STEP.retry,
            )
            position = reply.position
