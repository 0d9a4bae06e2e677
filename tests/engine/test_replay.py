"""Recorded histories replay: a change of workflow code that customers in flight could not survive fails here."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from perennia.temporal.workers import SANDBOX
from workflows.broadcast import BroadcastWorkflow
from workflows.crm import CrmSyncWorkflow
from workflows.customer import CustomerWorkflow
from workflows.pull import PullWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))
    workflows = [CustomerWorkflow, CrmSyncWorkflow, PullWorkflow, BroadcastWorkflow]
    replayer = Replayer(workflows=workflows, workflow_runner=SANDBOX)

    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)

    assert result.replay_failure is None


def test_there_is_a_history_of_each_way_through_the_protocol() -> None:
    assert [path.stem for path in HISTORIES] == [
        "a_bell_in_the_middle_of_a_turn",
        "a_broadcast",
        "a_crm_sync",
        "a_failed_effect",
        "a_message",
        "a_moved_timer",
        "a_pull",
        "a_run_that_continues_as_new",
        "a_wait",
    ]
