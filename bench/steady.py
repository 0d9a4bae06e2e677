"""How long it takes at a steady pace: from an event to its message, and from a wait's end to the turn that notices."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

import msgspec
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from bench.lives import BRANCH, WAIT, Progress, all_done, internal_ids, reached
from bench.posting import Door, arrival, post_steadily
from bench.site import Site
from perennia.temporal import connect, customer_workflow_id

_names = count(1)


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds. ``number``: of what was measured."""

    number: int
    p50: float
    p99: float
    most: float


def spread(seconds: Sequence[float]) -> Spread:
    inorder = sorted(each * 1000 for each in seconds)
    last = len(inorder) - 1
    return Spread(len(inorder), inorder[last // 2], inorder[round(last * 0.99)], inorder[last])


async def latency(site: Site, rate: int, seconds: float, tell: Progress) -> Spread:
    """From the moment an event is due to be posted until its message has arrived, at ``rate`` customers a second."""
    names = [f"l{next(_names)}" for _ in range(round(rate * seconds))]
    posted: list[float] = []
    before = site.mail_count()
    posts = [arrival(name, BRANCH.event) for name in names]
    door = Door(site.run.api, site.run.write_key)
    await post_steadily(door, posts, rate, lambda _: posted.append(time.time()))
    await reached(lambda: site.mail_count() - before, len(names), f"{rate} events a second: messages", tell)
    await all_done(site)
    arrived = {who: datetime.fromisoformat(at).timestamp() for who, at in site.mail(before)}
    return spread([arrived[f"{name}@example.com"] - at for name, at in zip(names, posted, strict=True)])


async def timer_lateness(site: Site, rate: int, seconds: float, tell: Progress) -> Spread:
    """How long after a wait's end the workflow begins the turn that notices, at ``rate`` customers a second."""
    names = [f"t{next(_names)}" for _ in range(round(rate * seconds))]
    before = site.mail_count()
    posts = [arrival(name, WAIT.event) for name in names]
    await post_steadily(Door(site.run.api, site.run.write_key), posts, rate, lambda _: None)
    await reached(lambda: site.mail_count() - before, len(names), f"timers at {rate} a second: messages", tell)
    await all_done(site)
    return await lateness_of(site, names)


async def lateness_of(site: Site, names: Sequence[str]) -> Spread:
    """Of customers who have lived through a wait: how late the server woke them."""
    client = await connect(site.run.temporal)
    due = {str(customer): int(at) for customer, at in site.ask("SELECT customer, released_at FROM messages")}
    return spread([await _woken(client, each) - due[each] / 1e6 for each in await internal_ids(site, names)])


async def _woken(client: Client, customer: str) -> float:
    """When the worker was given the task whose turn released the message: the timer's, or the bell's where that came too late.

    Not necessarily in the latest run: on a machine that cannot keep up, the sweep rings customers who have just been served.
    """
    workflow = customer_workflow_id(customer)
    sent = _turn_that_sent(await client.get_workflow_handle(workflow).fetch_history())
    if sent is None:
        async for run in client.list_workflows(f"WorkflowId = '{workflow}'"):
            history = await client.get_workflow_handle(workflow, run_id=run.run_id).fetch_history()
            sent = sent or _turn_that_sent(history)
    if sent is None:
        raise ValueError(f"{workflow}: no message was asked for")
    return sent.timestamp()


def _turn_that_sent(history: WorkflowHistory) -> datetime | None:
    given: datetime | None = None
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            given = event.event_time.ToDatetime(tzinfo=UTC)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            return given
    return None
