"""Bells that need no Temporal: whoever is rung takes a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnRequest
from activities.turns import StoreTurns
from perennia.clock import Clock
from perennia.store.port import Store


@dataclass
class TurningBells:
    """Whoever is rung takes a turn."""

    store: Store
    clock: Clock
    turning: list[asyncio.Task[object]] = field(default_factory=list[asyncio.Task[object]])

    def nudge(self, customers: Sequence[str]) -> None:
        self.turning += [asyncio.create_task(self.turn(customer)) for customer in customers]

    async def turn(self, customer: str) -> object:
        return await ActivityEnvironment().run(StoreTurns(self.store, self.clock).take, TurnRequest(customer))
