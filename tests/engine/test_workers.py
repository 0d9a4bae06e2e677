"""What workers refuse to run."""

from __future__ import annotations

import pytest
from temporalio.worker import Worker

from perennia.temporal.workers import SANDBOX
from tests.support.careless_workflow import CarelessWorkflow
from tests.support.temporal_runs import Rig


async def test_a_workflow_that_forgets_to_pass_a_module_through_is_refused(rig: Rig) -> None:
    with pytest.raises(RuntimeError, match="Failed validating workflow CarelessWorkflow") as refused:
        Worker(rig.client, task_queue=rig.queue, workflows=[CarelessWorkflow], workflow_runner=SANDBOX)

    assert "perennia" in str(refused.value.__cause__)
