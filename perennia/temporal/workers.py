"""Workers: one for customers' workflows with their turns, one for each kind of effect. A process may run any of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.contracts import (
    Broadcasting,
    Crm,
    CrmSyncing,
    EffectKind,
    Messages,
    Notices,
    Pulling,
    Reaching,
    Turns,
    Webhooks,
)
from perennia.temporal.names import CUSTOMER_QUEUE, effect_queue
from workflows.broadcast import BroadcastWorkflow
from workflows.crm import CrmSyncWorkflow
from workflows.customer import CustomerWorkflow
from workflows.policies import pull_queue
from workflows.publish import PublishWorkflow
from workflows.pull import PullWorkflow

# What is under way when a worker is told to stop may end in this time; the SDK's own default is none at all.
GRACE: Final = timedelta(seconds=30)
CACHED_WORKFLOWS: Final = 2_000  # 53 KB each with passed-through modules: about 100 MB
TURNS_AT_ONCE: Final = 20  # SQLite writes one at a time; more in flight only wait, and their 10 s run meanwhile
EFFECTS_AT_ONCE: Final = 50
PULLS_AT_ONCE: Final = 2  # each writes as fast as the store takes it
# The SDK's own is 80 % of the silence after which an attempt is given up: too near to it on a busy machine.
SIGN_INTERVAL: Final = timedelta(seconds=5)

# What tests run workflows in: it refuses what replay could not repeat, and modules that a workflow imports without passing
# them through (1.7 MB and 23 ms per instance with pydantic models in one).
SANDBOX: Final = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_import_notification_policy(
        SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
        | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    )
)
# What installations run them in (docs/decisions/0008): the sandbox makes the workflow's module anew for every customer and is
# entered for every payload, which was half of all that a worker's Python did.
UNPOLICED: Final = UnsandboxedWorkflowRunner()


def customer_worker(
    client: Client,
    turns: Turns,
    reaching: Reaching | None = None,
    broadcasting: Broadcasting | None = None,
    *,
    queue: str = CUSTOMER_QUEUE,
    runner: WorkflowRunner = UNPOLICED,
) -> Worker:
    """Runs customers' workflows and their turns (local activities: nothing is polled for but workflow tasks).

    With ``reaching`` also the workflows that bring customers to a new revision, that keep a CRM equal, and that read
    databases; with ``broadcasting`` those of broadcasts.
    """
    workflows: list[type] = [CustomerWorkflow]
    activities: list[Callable[..., object]] = [turns.take]
    if reaching is not None:
        workflows += [PublishWorkflow, CrmSyncWorkflow, PullWorkflow]
        activities.append(reaching.bring_page)
    if broadcasting is not None:
        workflows.append(BroadcastWorkflow)
        activities.append(broadcasting.go_on)
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=activities,
        workflow_runner=runner,
        no_remote_activities=True,
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_local_activities=TURNS_AT_ONCE,
        graceful_shutdown_timeout=GRACE,
    )


def message_worker(
    client: Client,
    messages: Messages,
    *,
    queue: str = CUSTOMER_QUEUE,
    at_once: int | None = None,
    per_second: float | None = None,
    lane: str = "",
) -> Worker:
    """Sends messages: effects of kind email, from a queue of their own beside ``queue``.

    ``at_once``: as many as the provider works on. What waits, waits in the queue: there the urgent overtake the others,
    and a worker that is killed leaves nobody in doubt about them. ``per_second``: the queue gives out no more, to all workers
    together; all must say the same, for the last one that says it is heard.
    """
    return Worker(
        client,
        task_queue=effect_queue(queue, EffectKind.EMAIL, lane),
        activities=[messages.send],
        max_concurrent_activities=min(at_once or EFFECTS_AT_ONCE, EFFECTS_AT_ONCE),
        max_task_queue_activities_per_second=per_second,
        max_heartbeat_throttle_interval=SIGN_INTERVAL,
        disable_eager_activity_execution=True,  # an eager start would pass the queue's rate limit and its fairness by
        graceful_shutdown_timeout=GRACE,
    )


def system_workers(
    client: Client,
    crm: Crm,
    webhooks: Webhooks,
    notices: Notices,
    syncing: CrmSyncing | None = None,
    *,
    queue: str = CUSTOMER_QUEUE,
) -> list[Worker]:
    """Tell other systems: each kind from a queue of its own, so that a slow one delays nobody else.

    With ``syncing`` also the steps by which the CRM is kept equal.
    """
    kinds: dict[EffectKind, list[Callable[..., object]]] = {
        EffectKind.CRM: [crm.write] if syncing is None else [crm.write, syncing.step],
        EffectKind.WEBHOOK: [webhooks.call],
        EffectKind.NOTIFY: [notices.post],
    }
    return [
        Worker(
            client,
            task_queue=effect_queue(queue, kind),
            activities=activities,
            max_concurrent_activities=EFFECTS_AT_ONCE,
            # They are far rarer than messages, and each poll is a call that the server holds open.
            max_concurrent_activity_task_polls=1,
            max_heartbeat_throttle_interval=SIGN_INTERVAL,
            disable_eager_activity_execution=True,
            graceful_shutdown_timeout=GRACE,
        )
        for kind, activities in kinds.items()
    ]


def pull_worker(client: Client, pulling: Pulling, *, queue: str = CUSTOMER_QUEUE) -> Worker:
    """Takes in what is new in databases, from a queue of its own."""
    return Worker(
        client,
        task_queue=pull_queue(queue),
        activities=[pulling.pull],
        max_concurrent_activities=PULLS_AT_ONCE,
        max_concurrent_activity_task_polls=1,
        max_heartbeat_throttle_interval=SIGN_INTERVAL,
        disable_eager_activity_execution=True,
        graceful_shutdown_timeout=GRACE,
    )
