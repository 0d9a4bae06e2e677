"""An installation without Temporal: the HTTP API over a real store, and turns that are taken when they are due."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import httpx
import msgspec
from fastapi import FastAPI
from temporalio.testing import ActivityEnvironment

from activities.contracts import FailedEffect, TurnReply, TurnRequest
from activities.turns import StoreTurns
from perennia.api.app import create_app
from perennia.core.decisions import Act, CustomerEvent, EffectEnded, Outcome, TraitsChanged
from perennia.core.json_values import Json, JsonObject
from perennia.rendering.links import Links
from perennia.store.port import Store
from perennia.store.records import Accepted, SendStatus
from tests.support.lives import documents
from tests.support.time_skipping import ManualClock
from workflows.messages import PublishProgress

START: Final = datetime.fromisoformat("2026-03-02T09:00:00Z")
KEY: Final = "admin-key"


@dataclass
class Bells:
    """Hears who is to be rung."""

    heard: list[Sequence[str]] = field(default_factory=list[Sequence[str]])

    def nudge(self, customers: Sequence[str]) -> None:
        self.heard.append(customers)


@dataclass
class Publishes:
    """Runs nothing, and knows what it was told: of each revision how fast it goes on, and whether it does."""

    known: dict[int, PublishProgress] = field(default_factory=dict[int, PublishProgress])
    away: bool = False

    async def progress(self, number: int) -> PublishProgress | None:
        return None if self.away else self._of(number)

    async def pause(self, number: int) -> None:
        self._know(number, paused=True)

    async def resume(self, number: int) -> None:
        self._know(number, paused=False)

    async def change_rate(self, number: int, rate: int) -> None:
        self._know(number, rate=rate)

    def _of(self, number: int) -> PublishProgress:
        return self.known.get(number, PublishProgress(reached=0, rate=100, paused=False))

    def _know(self, number: int, *, rate: int | None = None, paused: bool | None = None) -> None:
        if self.away:
            raise RuntimeError("nobody connects")
        before = self._of(number)
        rate, paused = before.rate if rate is None else rate, before.paused if paused is None else paused
        self.known[number] = PublishProgress(before.reached, rate, paused)


@dataclass
class Flight:
    """``turned``: external ids of everybody who took a turn, in order."""

    store: Store
    app: FastAPI
    client: httpx.AsyncClient
    clock: ManualClock
    bells: Bells
    publishes: Publishes
    turns: StoreTurns
    turned: list[str] = field(default_factory=list[str])
    _posts: int = 0

    # --- what the team does ---

    async def publish(
        self, text: str, *modes: JsonObject, expected: str | None = "", by: str = "kim"
    ) -> httpx.Response:
        """Publishes the definitions of a YAML text on the current revision, or on ``expected``."""
        current = await self.store.current_revision()
        seen = (current.id if current else None) if expected == "" else expected
        body = {**_release(text), "modes": [*modes], "expected": seen, "by": by}
        return await self.client.post("revisions", json=body)

    async def plan(self, text: str, *modes: JsonObject) -> JsonObject:
        answer = await self.client.post("revisions/plan", json={**_release(text), "modes": [*modes]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def steer(self, playbook: str, word: str, **body: Json) -> httpx.Response:
        return await self.client.post(f"playbooks/{playbook}/{word}", json={"by": "kim", **body})

    # --- what customers do ---

    async def event(self, name: str, *who: str, **told: Json) -> None:
        """The event happens to each of them now, after they were told with an address and these traits; then turns."""
        now = self.clock.now()
        for each in who:
            self._posts += 1
            traits = TraitsChanged(at=now, traits={"email": f"{each}@example.com", **told})
            post = [
                Accepted(message_id=f"t{self._posts}", kind="contact", external_id=each, input=traits),
                Accepted(
                    message_id=f"e{self._posts}",
                    kind="contact",
                    external_id=each,
                    input=CustomerEvent(at=now, name=name),
                ),
            ]
            await self.store.accept(post, now)
        await self.turn_all()

    async def pass_time(self, **span: float) -> None:
        """Moves the clock, and takes what falls due on the way at its instant."""
        end = self.clock.now() + timedelta(**span)
        while True:
            dues = [each.wake_at for each in await self.store.customers() if each.wake_at is not None]
            if not dues or (due := min(dues)) > end:
                break
            self.clock.instant = max(self.clock.instant, due)
            await self._take([each.id for each in await self.store.customers() if each.wake_at == due])
        self.clock.instant = end

    async def turn_all(self) -> None:
        """The turns of everybody whose bell is set."""
        while rung := await self.store.rung(1000):
            await self._take(rung)

    async def _take(self, customers: Sequence[str]) -> None:
        named = {each.id: each.external_id for each in await self.store.customers(1000)}
        for each in customers:
            self.turned.append(named[each])
            reply = await self._turn(each)
            while reply.effects:
                failed = [one for effect in reply.effects for one in await self._send(effect.key)]
                reply = await self._turn(each, *failed)

    async def _turn(self, customer: str, *failed: FailedEffect) -> TurnReply:
        return await ActivityEnvironment().run(self.turns.take, TurnRequest(customer, failed=failed))

    async def _send(self, key: str) -> list[FailedEffect]:
        """Every message leaves at once, unless it is found paused."""
        now = self.clock.now()
        sending = await self.store.claim_message(key, now)
        if sending.paused:
            return [FailedEffect(key, "playbook_paused")]
        ended = EffectEnded(at=now, key=key, outcome=Outcome.SENT)
        await self.store.end_message(key, SendStatus.SENT, ended, "test", None)
        return []

    # --- what became of it ---

    async def where(self) -> dict[str, str]:
        """Where everybody stands who is in a playbook: the step."""
        found: dict[str, str] = {}
        for each in await self.store.customers(1000):
            _, state = await self.store.customer(each.id)
            for enrollment in () if state is None else state.enrollments:
                found[each.external_id] = str(enrollment.step)
        return found

    async def decided(self, who: str, *acts: Act) -> list[str]:
        """The codes of these decisions of a customer, in order."""
        rows = await self.store.journal(await self.store.find(who))
        return [row.entry.code for row in rows if row.entry.act in acts]

    async def sent(self) -> list[str]:
        """Messages released so far, ``WHO TEMPLATE``, sorted."""
        named = {each.id: each.external_id for each in await self.store.customers(1000)}
        return sorted(f"{named[each.customer]} {each.template}" for each in await self.store.messages())


def _release(text: str) -> JsonObject:
    listed: list[Json] = [
        {"kind": each.kind, "id": each.id, "version": each.version, "body": each.body} for each in documents(text)
    ]
    return {"documents": listed}


def mode(playbook: str, word: str, **map_: str) -> JsonObject:
    return {"playbook": playbook, "mode": word, "map": msgspec.to_builtins(map_)}


@asynccontextmanager
async def in_flight(store: Store) -> AsyncGenerator[Flight]:
    clock, bells, publishes = ManualClock(START), Bells(), Publishes()
    app = create_app(
        store=store,
        bells=bells,
        clock=clock,
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key=KEY,
        publishes=publishes,
    )
    headers = {"Authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="https://perennia.example/api/v1/", headers=headers
    ) as client:
        yield Flight(store, app, client, clock, bells, publishes, StoreTurns(store, clock, ring=bells.nudge))
