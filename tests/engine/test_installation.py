"""Store, dispatcher, workflow, turns and messages together on a real server, at the places where customers get lost."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.service import RPCError

from perennia.ingest.dispatcher import Pace
from perennia.store.port import Store
from perennia.temporal import DevServer, connect
from tests.support.installation import arrival, event, traits
from tests.support.installed import QUICK_SWEEP, installed, killed_after_a_commit
from tests.support.temporal_runs import Rig, events_of, happened


def now() -> datetime:
    return datetime.now(UTC)


async def test_an_accepted_event_ends_as_a_message_in_14_history_events(rig: Rig, store: Store) -> None:
    async with installed(rig, store) as installation:
        await installation.accept(*arrival("ana", "Account Created", now()))
        await installation.sent(1)
        await installation.done("ana")

        assert (await happened(rig.handle(await store.find("ana")))).total() == 14


async def test_a_wait_ends_as_a_message_in_20_history_events(rig: Rig, store: Store) -> None:
    async with installed(rig, store) as installation:
        await installation.accept(*arrival("ana", "Trial Started", now()))
        await installation.sent(1)
        await installation.done("ana")

        assert (await happened(rig.handle(await store.find("ana")))).total() == 20


async def test_a_hundred_events_that_concern_nobody_add_no_history_event(rig: Rig, store: Store) -> None:
    async with installed(rig, store) as installation:
        await installation.accept(*arrival("ana", "Contract Signed", now()))
        customer = await store.find("ana")
        await until_running(rig, customer)
        before = (await happened(rig.handle(customer))).total()

        await installation.accept(*(event("ana", "Page Viewed", now()) for _ in range(100)))

        assert await store.rung(10) == []
        assert (await happened(rig.handle(customer))).total() == before


async def test_many_events_at_once_ring_one_doorbell(rig: Rig, store: Store) -> None:
    async with installed(rig, store) as installation:
        events = (event("ana", "Account Created", now()) for _ in range(50))
        await installation.accept(traits("ana", now(), email="ana@example.com"), *events)
        await installation.sent(1)
        await installation.done("ana")

        counted = await happened(rig.handle(await store.find("ana")))
        assert counted["WorkflowExecutionSignaled"] == 1


async def test_nobody_is_stranded_by_bells_between_commit_and_completion(rig: Rig, store: Store) -> None:
    async def linger() -> None:
        await asyncio.sleep(0.05)

    async with installed(rig, store, after_commit=linger) as installation:
        names = [f"customer-{number}" for number in range(20)]
        for _ in range(3):
            await asyncio.gather(*(installation.accept(*arrival(name, "Account Created", now())) for name in names))
            await asyncio.sleep(0.04)
        for name in names:
            await installation.done(name)

        assert await store.rung(100) == []
        assert [each.enrollments for each in await store.customers()] == [()] * 20
        assert len({effect.key for effect in installation.messages.sent}) == len(installation.messages.sent)


async def test_the_sweep_brings_back_a_customer_whose_workflow_was_terminated(rig: Rig, store: Store) -> None:
    async with installed(rig, store, QUICK_SWEEP) as installation:
        await installation.accept(*arrival("ana", "Trial Started", now()))
        customer = await store.find("ana")
        await until_waiting(store, customer)

        await rig.handle(customer).terminate("by an operator")

        await installation.sent(1)
        await installation.done("ana")
        assert installation.recipients() == [customer]


async def test_the_sweep_brings_back_a_customer_whose_workflow_was_cancelled(rig: Rig, store: Store) -> None:
    async with installed(rig, store, QUICK_SWEEP) as installation:
        await installation.accept(*arrival("ana", "Trial Started", now()))
        customer = await store.find("ana")
        await until_waiting(store, customer)

        await rig.handle(customer).cancel()

        await installation.sent(1)
        assert installation.recipients() == [customer]


async def test_flags_set_while_no_dispatcher_ran_are_rung_at_its_start(rig: Rig, store: Store) -> None:
    await store.accept(arrival("ana", "Account Created", now()), now())

    async with installed(rig, store, Pace()) as installation:
        await installation.sent(1)

        assert installation.recipients() == [await store.find("ana")]


async def test_a_worker_killed_between_commit_and_task_costs_a_task_timeout_and_repeats_nothing(
    rig: Rig, store: Store, tmp_path: Path, server: DevServer
) -> None:
    await store.accept(arrival("ana", "Account Created", now()), now())
    customer = await store.find("ana")
    await killed_after_a_commit(server.address, rig, customer, f"sqlite:///{tmp_path / 'store.sqlite'}")
    committed = await store.journal(customer)
    assert committed != []

    async with installed(rig, store) as installation:
        await installation.sent(1)
        await installation.done("ana")

        assert installation.recipients() == [customer]
        assert (await store.journal(customer))[: len(committed)] == committed
        assert (await happened(rig.handle(customer)))["WorkflowTaskTimedOut"] == 1


async def test_a_locked_store_delays_a_turn_and_loses_nobody(rig: Rig, store: Store, tmp_path: Path) -> None:
    await lock_out(rig, store, tmp_path / "store.sqlite", timedelta(seconds=1))


@pytest.mark.slow
async def test_a_store_locked_for_a_minute_loses_nobody(rig: Rig, store: Store, tmp_path: Path) -> None:
    await lock_out(rig, store, tmp_path / "store.sqlite", timedelta(minutes=1))


async def test_temporal_away_for_a_moment_loses_nobody(store: Store, tmp_path: Path) -> None:
    await without_temporal(store, tmp_path, timedelta(seconds=1))


@pytest.mark.slow
async def test_temporal_away_for_a_minute_loses_nobody(store: Store, tmp_path: Path) -> None:
    await without_temporal(store, tmp_path, timedelta(minutes=1))


async def test_rebuild_brings_everyone_back_after_temporals_file_is_gone(store: Store, tmp_path: Path) -> None:
    async with DevServer(tmp_path / "temporal" / "temporal.sqlite") as server:
        rig = Rig(await connect(server.address))
        async with installed(rig, store) as installation:
            names = [f"customer-{number}" for number in range(5)]
            for name in names:
                await installation.accept(*arrival(name, "Contract Signed", now()))
            for name in names:
                await until_waiting(store, await store.find(name))
            await server.stop()
            for file in server.database.parent.glob("temporal.sqlite*"):
                file.unlink()
            await server.start()

            assert await installation.dispatcher.rebuild() == 5

            for name in names:
                await until_running(rig, await store.find(name))


async def test_a_bug_in_a_turn_strands_nobody_and_keeps_its_words_out_of_the_history(rig: Rig, store: Store) -> None:
    async with installed(rig, store, clock=FaultyClock(3)) as installation:
        await installation.accept(traits("ana", now(), email="ana@example.com"), event("ana", "Account Created", now()))
        await installation.sent(1)
        await installation.done("ana")

        history = await rig.handle(await store.find("ana")).fetch_history()
        assert "ana@example.com" not in history.to_json()
        assert events_of(history)["WorkflowTaskFailed"] == 0


async def test_a_history_holds_no_personal_data(rig: Rig, store: Store) -> None:
    who = f"outside-{uuid.uuid4().hex}"
    async with installed(rig, store) as installation:
        await installation.accept(
            traits(who, now(), email="ana@example.com", first_name="Ana-Lucia", phone="+34 600 000 000"),
            event(who, "Seats Added", now(), seats=30, note="call on Friday"),
        )
        await installation.sent(1)
        await installation.done(who)

        history = await rig.handle(await store.find(who)).fetch_history()
        words = "".join(str(each) for each in history.events) + history.to_json()
        assert [word for word in (who, "ana@", "Ana-Lucia", "600 000", "Friday", "Seats Added") if word in words] == []


class FaultyClock:
    """A wall clock that fails a few times, in words that must not get about."""

    def __init__(self, times: int) -> None:
        self.times = times

    def now(self) -> datetime:
        if self.times > 0:
            self.times -= 1
            raise KeyError("ana@example.com")
        return datetime.now(UTC)

    def real(self, span: timedelta) -> timedelta:
        return max(span, timedelta(0))


async def lock_out(rig: Rig, store: Store, path: Path, span: timedelta) -> None:
    """Somebody else holds the store's lock for ``span``, from before the customer's first turn on."""
    async with installed(rig, store) as installation:
        await store.accept(arrival("ana", "Account Created", now()), now())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            installation.dispatcher.nudge([await store.find("ana")])
            await asyncio.sleep(span.total_seconds())
            other.execute("ROLLBACK")

        await installation.sent(1)
        await installation.done("ana")


async def without_temporal(store: Store, folder: Path, span: timedelta) -> None:
    """Events come in, and a wait ends, while the server is away for ``span``."""
    async with DevServer(folder / "temporal.sqlite") as server:
        rig = Rig(await connect(server.address))
        async with installed(rig, store) as installation:
            await installation.accept(*arrival("waiting", "Trial Started", now()))
            await until_waiting(store, await store.find("waiting"))
            await server.stop()
            for number in range(10):
                await installation.accept(*arrival(f"customer-{number}", "Account Created", now()))
            await asyncio.sleep(span.total_seconds())
            await server.start()

            await installation.sent(11, within=90)
            assert len(set(installation.recipients())) == 11


async def until_waiting(store: Store, customer: str) -> None:
    """Waits until a turn has said when the customer wakes."""
    async with asyncio.timeout(30):
        while (await store.customer(customer))[0].wake_at is None:  # noqa: ASYNC110 - see `temporal_runs.until`
            await asyncio.sleep(0.02)


async def until_running(rig: Rig, customer: str) -> None:
    """Waits until the customer has a workflow that has taken a turn."""
    async with asyncio.timeout(30):
        while True:
            try:
                live = await rig.handle(customer).query("live", result_type=dict)
            except RPCError:
                live = {"turns": 0}
            if live["turns"]:
                return
            await asyncio.sleep(0.05)
