"""The protocol of a customer's workflow at its seams, on a real server."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus

from tests.support.memory import Memory, Nothing, Send, Wait
from tests.support.temporal_runs import Rig, happened, until

SHORT = timedelta(seconds=0.3)
LONG = timedelta(hours=1)


async def test_an_event_a_turn_an_effect_and_a_turn_are_14_history_events(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Send("welcome"))

    handle = await working.ring(customer)
    await handle.result()

    assert memory.sent == ["welcome"]
    assert (await happened(handle)).total() == 14


async def test_a_wait_between_makes_20_history_events(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Wait(SHORT, then="follow-up"))

    handle = await working.ring(customer)
    await handle.result()

    assert memory.sent == ["follow-up"]
    assert (await happened(handle)).total() == 20


async def test_an_event_that_concerns_nobody_costs_7_history_events(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Nothing())

    handle = await working.ring(customer)
    await handle.result()

    assert (await happened(handle)).total() == 7


async def test_a_workflow_whose_customer_nothing_concerns_completes(working: Rig, memory: Memory) -> None:
    handle = await working.ring(working.customer())

    await handle.result()

    assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED


async def test_a_bell_between_commit_and_completion_is_heard(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Nothing())

    async def meanwhile() -> None:
        memory.after_commit = None
        memory.accept(customer, Send("late"))
        await working.ring(customer)

    memory.after_commit = meanwhile
    await (await working.ring(customer)).result()

    await until(lambda: memory.sent == ["late"])
    await working.handle(customer).result()
    assert memory.stranded() == []


async def test_no_customer_of_many_is_stranded_by_bells_in_the_middle_of_turns(working: Rig, memory: Memory) -> None:
    customers = [working.customer() for _ in range(20)]

    async def slow_end() -> None:
        await asyncio.sleep(0.05)

    memory.after_commit = slow_end
    for round_ in range(3):
        for customer in customers:
            memory.accept(customer, Send(f"{customer}/{round_}"))
        await asyncio.gather(*(working.ring(customer) for customer in customers))

    await until(lambda: len(memory.sent) == 60)
    for customer in customers:
        await working.handle(customer).result()
    assert memory.stranded() == []
    assert len(set(memory.sent)) == 60


async def test_inputs_beyond_a_page_are_read_without_another_bell(rig: Rig) -> None:
    memory = Memory(page=2)
    customer = rig.customer()
    memory.accept(customer, *(Nothing() for _ in range(7)))

    async with rig.working(memory, memory):
        await (await rig.ring(customer)).result()

    assert memory.customers[customer].read == 7


async def test_an_effect_in_flight_is_not_started_twice(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.gate = asyncio.Event()
    memory.accept(customer, Send("slow"))
    handle = await working.ring(customer)
    await until(lambda: len(memory.requests) == 1)

    memory.accept(customer, Nothing())
    await working.ring(customer)
    await until(lambda: len(memory.requests) == 2)
    memory.gate.set()
    await handle.result()

    assert memory.sent == ["slow"]
    assert (await happened(handle))["ActivityTaskScheduled"] == 1


async def test_an_effect_that_fails_for_good_is_handed_over_once_with_its_reason(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.refuses = frozenset({"unwanted"})
    memory.accept(customer, Send("unwanted"), Send("wanted"))

    await (await working.ring(customer)).result()

    assert memory.failed == [("unwanted", "provider_refused")]
    assert memory.sent == ["wanted"]


async def test_an_effect_that_ends_without_a_result_is_left_to_the_sweep(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.forgets = frozenset({"forgotten"})
    memory.accept(customer, Send("forgotten"))

    await (await working.ring(customer)).result()

    assert memory.sent == ["forgotten"]
    assert memory.stranded() == [customer]


async def test_the_timer_is_left_alone_while_its_instant_stays(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Wait(timedelta(seconds=2)))
    handle = await working.ring(customer)
    await until(lambda: len(memory.requests) == 1)

    for turns in (2, 3):
        memory.accept(customer, Nothing())
        await working.ring(customer)
        await until(lambda turns=turns: len(memory.requests) == turns)
    await handle.result()

    events = await happened(handle)
    assert (events["TimerStarted"], events["TimerCanceled"], events["TimerFired"]) == (1, 0, 1)


async def test_the_timer_moves_with_its_instant(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Wait(LONG))
    handle = await working.ring(customer)
    await until(lambda: len(memory.requests) == 1)

    memory.accept(customer, Wait(SHORT))
    await working.ring(customer)
    await handle.result()

    events = await happened(handle)
    assert (events["TimerStarted"], events["TimerCanceled"], events["TimerFired"]) == (2, 1, 1)


async def test_a_fired_timer_gives_the_turn_its_instant_as_floor(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Wait(SHORT))
    handle = await working.ring(customer)
    await until(lambda: memory.customers[customer].wake_at is not None)
    due = memory.customers[customer].wake_at

    await handle.result()

    assert [request.floor for request in memory.requests] == [None, due]


async def test_a_long_history_continues_as_new_in_the_middle_of_a_wait(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Send("first"), Wait(timedelta(seconds=1), then="second"))

    handle = await working.ring(customer, history_limit=5)
    await handle.result()

    first = await working.client.get_workflow_handle(handle.id, run_id=(await _runs(working, customer))[0]).describe()
    assert first.status == WorkflowExecutionStatus.CONTINUED_AS_NEW
    assert memory.sent == ["first", "second"]


async def test_nothing_is_lost_when_a_burst_of_bells_meets_continue_as_new(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Wait(timedelta(seconds=3)))
    await working.ring(customer, history_limit=5)

    for number in range(40):
        memory.accept(customer, Send(f"message-{number}"))
        await working.ring(customer, history_limit=5)

    await until(lambda: len(memory.sent) == 40)
    await working.handle(customer).result()
    assert sorted(memory.sent) == sorted({f"message-{number}" for number in range(40)})
    assert len(await _runs(working, customer)) > 1


async def test_no_effect_is_in_flight_when_a_run_continues_as_new(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.gate = asyncio.Event()
    memory.accept(customer, Send("slow"), Wait(timedelta(seconds=1)))
    handle = await working.ring(customer, history_limit=1)
    await until(lambda: len(memory.requests) == 1)

    live = await handle.query("live", result_type=dict)

    assert live["in_flight"] == ["slow"]
    assert await _runs(working, customer) == [(await handle.describe()).run_id]
    memory.gate.set()
    await working.handle(customer).result()
    assert memory.sent == ["slow"]


async def test_a_query_shows_the_live_process(working: Rig, memory: Memory) -> None:
    customer = working.customer()
    memory.accept(customer, Wait(LONG))
    handle = await working.ring(customer)
    await until(lambda: len(memory.requests) == 1)

    live = await handle.query("live", result_type=dict)

    due = memory.customers[customer].wake_at
    assert due is not None
    assert live == {"in_flight": [], "wake_at": due.isoformat(), "turns": 1}


async def _runs(rig: Rig, customer: str) -> list[str]:
    """The run ids of a customer's workflow, first to last, followed from each run to the one it continued as."""
    handle = rig.client.get_workflow_handle(rig.handle(customer).id)
    runs = [(await handle.describe()).raw_description.workflow_execution_info.first_run_id]
    while True:
        history = await rig.client.get_workflow_handle(handle.id, run_id=runs[-1]).fetch_history()
        last = history.events[-1].workflow_execution_continued_as_new_event_attributes
        if not last.new_execution_run_id:
            return runs
        runs.append(last.new_execution_run_id)
