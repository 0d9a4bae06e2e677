"""Concurrent requests share transactions, and each learns what became of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from perennia.clock import WallClock
from perennia.ingest.group_commit import GroupCommit, TooMuchWaiting
from perennia.ingest.segment import Record
from perennia.store.port import Store, StoreUnavailable
from perennia.store.records import Accepted, Receipt, Rejected


class HeldStore:
    """Accepts while its gate is open, remembers each transaction, and fails for rows named in ``poison``."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.transactions: list[list[str]] = []
        self.failure: Exception | None = None
        self.poison: frozenset[str] = frozenset()

    async def accept(self, items: Sequence[Record], at: datetime) -> Receipt:
        assert at.tzinfo is UTC
        names = [item.raw if isinstance(item, Rejected) else item.message_id for item in items]
        self.transactions.append(names)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if self.poison & set(names):
            raise RuntimeError("no column takes this")
        return Receipt(accepted=len(items), duplicates=0, rejected=0, rung=tuple(f"ring {name}" for name in names))


class HeardBells:
    def __init__(self) -> None:
        self.nudges: list[list[str]] = []

    def nudge(self, customers: Sequence[str]) -> None:
        self.nudges.append(list(customers))


def row(name: str) -> Accepted:
    return Accepted(message_id=name, kind="contact", external_id="ana")


def group_commit(store: HeldStore, bells: HeardBells, **bounds: int) -> GroupCommit:
    return GroupCommit(cast("Store", store), bells, WallClock(), **bounds)


async def started(commits: GroupCommit, *names: str) -> asyncio.Task[None]:
    task = asyncio.create_task(commits.commit([row(name) for name in names]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_who_comes_while_the_store_commits_shares_the_next_transaction() -> None:
    store, bells = HeldStore(), HeardBells()
    store.gate.clear()
    commits = group_commit(store, bells)
    tasks = [await started(commits, name) for name in ("a", "b", "c")]
    store.gate.set()
    await asyncio.gather(*tasks)
    assert store.transactions == [["a"], ["b", "c"]]


async def test_nobody_is_answered_before_the_commit() -> None:
    store = HeldStore()
    store.gate.clear()
    task = await started(group_commit(store, HeardBells()), "a")
    assert not task.done()
    store.gate.set()
    await task


async def test_bells_are_nudged_after_each_commit() -> None:
    bells = HeardBells()
    await group_commit(HeldStore(), bells).commit([row("a"), row("b")])
    assert bells.nudges == [["ring a", "ring b"]]


async def test_a_failing_commit_fails_everyone_in_it_and_the_next_one_starts_afresh() -> None:
    store, bells = HeldStore(), HeardBells()
    store.gate.clear()
    store.failure = StoreUnavailable("locked")
    commits = group_commit(store, bells)
    tasks = [await started(commits, name) for name in ("a", "b", "c")]
    store.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    store.failure = None
    await commits.commit([row("a")])
    assert bells.nudges == [["ring a"]]


async def test_one_poisonous_request_does_not_fail_its_neighbours() -> None:
    store = HeldStore()
    store.gate.clear()
    store.poison = frozenset({"b"})
    commits = group_commit(store, HeardBells())
    tasks = [await started(commits, name) for name in ("first", "a", "b", "c")]
    store.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), type(None), RuntimeError, type(None)]


async def test_a_transaction_is_bounded() -> None:
    store = HeldStore()
    store.gate.clear()
    commits = group_commit(store, HeardBells(), rows_a_commit=3)
    tasks = [await started(commits, *names) for names in ("a", "bc", "d", "ef", "g")]
    store.gate.set()
    await asyncio.gather(*tasks)
    assert store.transactions == [["a"], ["b", "c", "d"], ["e", "f", "g"]]


async def test_what_waits_is_bounded() -> None:
    store = HeldStore()
    store.gate.clear()
    commits = group_commit(store, HeardBells(), rows_waiting=3)
    waiting = await started(commits, "a", "b")
    with pytest.raises(TooMuchWaiting):
        await commits.commit([row("c"), row("d")])
    store.gate.set()
    await waiting
    await commits.commit([row("c"), row("d")])


async def test_a_request_that_was_given_up_is_committed_all_the_same() -> None:
    store, bells = HeldStore(), HeardBells()
    store.gate.clear()
    commits = group_commit(store, bells)
    task = await started(commits, "a")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    store.gate.set()
    await commits.commit([row("b")])
    assert bells.nudges == [["ring a"], ["ring b"]]


async def test_nothing_to_keep_needs_no_transaction() -> None:
    store = HeldStore()
    await group_commit(store, HeardBells()).commit([])
    assert store.transactions == []
