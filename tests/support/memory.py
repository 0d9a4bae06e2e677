"""A store for one thing only: the protocol between a workflow, its turns and its effects. Hand-written, in memory."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contracts import (
    EffectKind,
    EffectRequest,
    Messages,
    OpenEffect,
    TurnReply,
    TurnRequest,
    Turns,
)


@dataclass(frozen=True)
class Nothing:
    """An input that concerns nobody."""


@dataclass(frozen=True)
class Send:
    """An input that opens a message effect."""

    key: str


@dataclass(frozen=True)
class Wait:
    """An input after which the customer waits ``span``, and then, where ``then`` is given, sends it."""

    span: timedelta
    then: str | None = None


@dataclass(frozen=True)
class Ended:
    """An effect's result."""

    key: str


Item: TypeAlias = Nothing | Send | Wait | Ended


@dataclass
class Customer:
    unread: list[Item] = field(default_factory=list[Item])
    read: int = 0
    open: dict[str, None] = field(default_factory=dict[str, None])
    wake_at: datetime | None = None
    then: str | None = None


class Memory(Turns, Messages):
    """``requests`` and ``sent`` tell what happened. ``page``: inputs one turn reads at most.

    Keys in ``refuses`` fail for good, those in ``forgets`` end without writing a result.
    """

    def __init__(self, page: int = 100) -> None:
        self.customers: dict[str, Customer] = {}
        self.requests: list[TurnRequest] = []
        self.sent: list[str] = []
        self.failed: list[tuple[str, str]] = []
        self.page = page
        self.refuses: frozenset[str] = frozenset()
        self.forgets: frozenset[str] = frozenset()
        self.gate: asyncio.Event | None = None
        self.before_turn: Callable[[], Awaitable[None]] | None = None
        self.after_commit: Callable[[], Awaitable[None]] | None = None

    def accept(self, name: str, *items: Item) -> None:
        self.customers.setdefault(name, Customer()).unread.extend(items)

    def stranded(self) -> list[str]:
        """Customers with something unread or open: nobody will come for them once their workflow is done."""
        return [name for name, customer in self.customers.items() if customer.unread or customer.open]

    @activity.defn(name="take_turn")
    async def take(self, request: TurnRequest) -> TurnReply:
        self.requests.append(request)
        if self.before_turn is not None:
            await self.before_turn()
        customer = self.customers.setdefault(request.customer, Customer())
        now = max(datetime.now(UTC), request.floor or datetime.min.replace(tzinfo=UTC))
        self._fail(customer, request)
        self._read(customer, now)
        self._wake(customer, now)
        reply = self._reply(customer, now)
        if self.after_commit is not None:
            await self.after_commit()
        return reply

    @activity.defn(name="send_message")
    async def send(self, request: EffectRequest) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if request.key in self.refuses:
            raise ApplicationError("refused", type="provider_refused", non_retryable=True)
        self.sent.append(request.key)
        if request.key in self.forgets:
            return
        self.customers[request.customer].unread.append(Ended(request.key))

    def _fail(self, customer: Customer, request: TurnRequest) -> None:
        for failed in request.failed:
            if failed.key in customer.open:
                del customer.open[failed.key]
                self.failed.append((failed.key, failed.reason))

    def _read(self, customer: Customer, now: datetime) -> None:
        page, customer.unread = customer.unread[: self.page], customer.unread[self.page :]
        customer.read += len(page)
        for item in page:
            match item:
                case Nothing():
                    pass
                case Send(key):
                    customer.open[key] = None
                case Ended(key):
                    customer.open.pop(key, None)
                case Wait(span, then):
                    customer.wake_at, customer.then = now + span, then

    def _wake(self, customer: Customer, now: datetime) -> None:
        if customer.wake_at is not None and now >= customer.wake_at:
            customer.wake_at = None
            if customer.then is not None:
                customer.open[customer.then] = None

    def _reply(self, customer: Customer, now: datetime) -> TurnReply:
        return TurnReply(
            effects=tuple(OpenEffect(key, EffectKind.EMAIL, fairness="welcome") for key in customer.open),
            wake_at=customer.wake_at,
            wake_in_ms=None
            if customer.wake_at is None
            else math.ceil((customer.wake_at - now) / timedelta(milliseconds=1)),
            unread=bool(customer.unread),
        )
