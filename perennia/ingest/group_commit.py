"""Many requests, one transaction: what waits while the store commits goes together into its next transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from perennia.clock import Clock
from perennia.ingest.bells import Bells
from perennia.ingest.segment import Record
from perennia.store.port import Store, StoreUnavailable
from perennia.store.records import Receipt

log = logging.getLogger(__name__)

ROWS_A_COMMIT = 5_000  # about half a second on SQLite: whoever comes next waits no longer
ROWS_WAITING = 50_000  # at most 32 KB each, in practice under 1 KB: 50 MB


class TooMuchWaiting(Exception):
    """More rows wait for the store than memory should hold. Passes as soon as a transaction ends."""


def _new_future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True)
class _Waiting:
    records: Sequence[Record]
    committed: asyncio.Future[None] = field(default_factory=_new_future)


class GroupCommit:
    """Commits what concurrent requests hand in, in the order they came, several requests a transaction.

    There is no task to start or stop: the first one to come commits at once, those who come meanwhile are the next group.
    """

    def __init__(
        self,
        store: Store,
        bells: Bells,
        clock: Clock,
        rows_a_commit: int = ROWS_A_COMMIT,
        rows_waiting: int = ROWS_WAITING,
    ) -> None:
        self._store = store
        self._bells = bells
        self._clock = clock
        self._rows_a_commit = rows_a_commit
        self._most_waiting = rows_waiting
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._committing: asyncio.Task[None] | None = None

    async def commit(self, records: Sequence[Record]) -> None:
        """Returns when the records are durable.

        Raises `TooMuchWaiting` (nothing was kept) and `StoreUnavailable` (may pass: the sender tries again, and
        message ids sort out what was kept after all).
        """
        if not records:
            return
        if self._rows and self._rows + len(records) > self._most_waiting:
            raise TooMuchWaiting(f"{self._rows} rows wait for the store")
        waiting = _Waiting(records)
        self._waiting.append(waiting)
        self._rows += len(records)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all(), name="group commit")
        await waiting.committed

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                await self._commit_group(self._take_group())
        finally:
            self._committing = None

    def _take_group(self) -> list[_Waiting]:
        group = [self._waiting.popleft()]
        rows = len(group[0].records)
        while self._waiting and rows + len(self._waiting[0].records) <= self._rows_a_commit:
            group.append(self._waiting.popleft())
            rows += len(group[-1].records)
        return group

    async def _commit_group(self, group: list[_Waiting]) -> None:
        """Settles everyone in the group, whatever happens: nobody is left waiting."""
        try:
            receipt = await self._store.accept([record for one in group for record in one.records], self._clock.now())
        except StoreUnavailable as error:
            self._settle(group, error)
        except Exception as error:  # one odd row must not fail its neighbours, and nobody may be left waiting
            if len(group) == 1:
                self._settle(group, error)
                return
            log.exception("a group of %d requests failed; committing them one by one", len(group))
            for one in group:
                await self._commit_group([one])
        else:
            self._settle(group, None)
            self._ring(receipt)

    def _settle(self, group: list[_Waiting], error: Exception | None) -> None:
        for one in group:
            self._rows -= len(one.records)
            if one.committed.done():  # its request was given up meanwhile
                continue
            if error is None:
                one.committed.set_result(None)
            else:
                one.committed.set_exception(error)

    def _ring(self, receipt: Receipt) -> None:
        if receipt.rung:
            self._bells.nudge(receipt.rung)
