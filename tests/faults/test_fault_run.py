"""A thousand customers while every process is killed: nobody stranded, nothing acknowledged lost, nothing sent twice unsaid."""

from __future__ import annotations

import asyncio
import os
import random
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from perennia.inbox import running_inbox
from perennia.temporal import connect, customer_workflow_id
from tests.faults.crowd import Crowd
from tests.faults.two_letters import (
    LETTERS,
    Undone,
    entered,
    ledger,
    make_workspace,
    missing,
    received,
    stored,
    undone,
    wrong_copies,
)
from tests.support.temporal_runs import events_of
from tests.support.up_process import UpProcess, perennia_up

CUSTOMERS = int(os.environ.get("FAULT_CUSTOMERS", "1000"))
A_SECOND = 15.0  # what two processors carry beside the kills and the test itself
KILLS = ("worker", "worker", "worker", "api", "api", "temporal")
SMTP_DELAY = timedelta(milliseconds=200)
CONNECTIONS = 10
# A message under way in a killed worker is tried again after half a minute, and whoever the sweep has rung in vain after
# twice as long as before: nothing moves meanwhile.
PATIENCE = 200.0
DESCRIBED = 20


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_nobody_is_stranded_and_nothing_lost_or_sent_twice_while_every_process_is_killed(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("FAULT_SEED") or secrets.randbelow(10_000))
    tell(f"fault run, {CUSTOMERS} customers, FAULT_SEED={seed}")
    workspace, inbox = make_workspace(tmp_path / "workspace"), tmp_path / "inbox"
    async with (
        running_inbox("127.0.0.1:0", "127.0.0.1:0", inbox, delay=SMTP_DELAY) as addresses,
        perennia_up(
            workspace, tmp_path / "data", {"PERENNIA_SMTP_URL": f"{addresses.smtp_url}?connections={CONNECTIONS}"}
        ) as up,
    ):
        crowd = Crowd(up.run.api, up.run.write_key)
        span = CUSTOMERS / A_SECOND
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(crowd.sign_up(CUSTOMERS, A_SECOND))
            for part, moment in kills(random.Random(seed), span):
                tasks.create_task(kill_at(up, part, moment, tell))
        tell(f"  events: {len(crowd.acknowledged)} acknowledged, {crowd.refused} posts repeated")
        tell(f"  quiet {await until_quiet(up):.0f} s after the last event")

        statuses, copies = ledger(up), await received(inbox)
        tell(f"  ledger: {said(Counter(f'{step} {status}' for (_, step), status in statuses.items()))}")
        tell(f"  inbox: {copies.total()} messages, {copies.total() - len(copies)} of them second copies")
        await tell_histories(await connect(up.run.temporal), up, tell)

        customers = [f"customer-{number}" for number in range(CUSTOMERS)]
        assert missing(crowd.acknowledged, stored(up)) == []
        assert missing(customers, entered(up)) == []
        assert [(who, step) for who in customers for step in LETTERS if (who, step) not in statuses] == []
        assert wrong_copies(statuses, copies) == []
        assert set(copies) <= set(statuses)
        # What waits for the provider has not been begun: only what a killed worker was handing over is uncertain.
        uncertain = sum(status == "unknown" for status in statuses.values())
        assert uncertain <= KILLS.count("worker") * CONNECTIONS


def kills(chance: random.Random, span: float) -> list[tuple[str, float]]:
    """Which part dies when, in seconds from now: at any moment while customers come in."""
    return sorted(((part, chance.uniform(2.0, span)) for part in KILLS), key=lambda kill: kill[1])


async def kill_at(up: UpProcess, part: str, moment: float, tell: Callable[[str], None]) -> None:
    await asyncio.sleep(moment)
    seconds = await up.kill(part)
    tell(f"  {part} killed at {moment:.1f} s, back after {seconds:.1f} s")


async def until_quiet(up: UpProcess) -> float:
    """Waits until nothing is left to be done for anybody; fails when for `PATIENCE` nothing has moved."""
    began = moved = time.monotonic()
    before: Sequence[Undone] = ()
    while left := await asyncio.to_thread(undone, up):
        if left != before:
            moved = time.monotonic()
        if time.monotonic() - moved > PATIENCE:
            pytest.fail(f"{len(left)} customers are stuck:\n{await described(up, left)}\n{up.last_words()}")
        before = left
        await asyncio.sleep(1)
    return time.monotonic() - began


async def described(up: UpProcess, stuck: Sequence[Undone]) -> str:
    client = await connect(up.run.temporal)
    return "\n".join([f"{each.described}, {await status_of(client, each)}" for each in stuck[:DESCRIBED]])


async def status_of(client: Client, stuck: Undone) -> str:
    """What Temporal says about the customer's workflow."""
    try:
        description = await client.get_workflow_handle(customer_workflow_id(stuck.customer)).describe()
    except RPCError as error:
        return f"workflow: {error}"
    status = description.status.name if description.status else "?"
    pending = [
        f"{activity.activity_id} attempt {activity.attempt} {activity.last_failure.message}"
        for activity in description.raw_description.pending_activities
    ]
    return f"workflow {status}, {description.history_length} events, pending {pending}"


async def tell_histories(client: Client, up: UpProcess, tell: Callable[[str], None]) -> None:
    """What the faults cost Temporal: everything in the histories that a quiet run does not have."""
    events: Counter[str] = Counter()
    runs = 0
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        events += events_of(await handle.fetch_history())
        runs += 1
    tell(f"  Temporal: {runs} runs, {events.total()} events, {events.total() / CUSTOMERS:.1f} a customer")
    tell(f"  turns that counted: {events['MarkerRecorded']}; bells: {events['WorkflowExecutionSignaled']}")
    rare = ("WorkflowTaskTimedOut", "WorkflowTaskFailed", "ActivityTaskTimedOut", "ActivityTaskFailed")
    tell(f"  {said({name: events[name] for name in rare})}")
    log = (up.data / "logs" / "api.log").read_text(errors="replace")
    found = re.findall(r"sweep: ringing (\d+)", log)
    tell(f"  rung by the sweep: {sum(int(count) for count in found)} in {len(found)} looks")


def said(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
