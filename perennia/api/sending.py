"""How senders and topics stand with those who get their mail; stopping them, and letting them go again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Final, TypeAlias

from fastapi import APIRouter

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.published import Published
from perennia.api.publishing import nearest
from perennia.api.views import SendingView, SteerSendingBody
from perennia.api.warm_up_views import WarmUpsView, WarmUpView
from perennia.clock import Clock
from perennia.core.reputation import counted_over
from perennia.ingest.bells import Bells
from perennia.store.port import Store
from perennia.store.records import Reputation, SendingKind, SendingRate

# The most messages that a provider may be given on a day; None: as many as one likes.
Maximum: TypeAlias = Callable[[date], int | None]
NO_MAXIMA: Final[Mapping[str, Maximum]] = {}


@dataclass(frozen=True)
class SendingControl:
    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog
    published: Published
    maxima: Mapping[str, Maximum]

    def router(self) -> APIRouter:
        router = APIRouter(tags=["sending"], prefix="/sending")
        read, write = needs(KeyScope.SENDING_READ), needs(KeyScope.SENDING_WRITE)
        router.get("", dependencies=read)(self.all)
        router.get("/warm-ups", dependencies=read)(self.warming)
        router.post("/{kind}/{name}/stop", dependencies=write)(self.stop)
        router.post("/{kind}/{name}/resume", dependencies=write)(self.resume)
        return router

    async def all(self) -> list[SendingView]:
        """Every sender and topic that sent anything in the span that `sending_limits` counts, and all that are stopped."""
        known = {(each.rate.kind, each.rate.name): each for each in await self.store.reputations()}
        views = [_view(rate, known.pop((rate.kind, rate.name), None)) for rate in await self._rates()]
        silent = [_view(each.rate, each) for each in known.values() if each.level != "good"]
        return sorted([*views, *silent], key=lambda one: (one.kind, one.name))

    async def warming(self) -> WarmUpsView:
        """How many messages providers that warm up were given today, and how many they may be given."""
        now = self.clock.now()
        day = now.astimezone(UTC).date()
        places = await self.store.day_of_places(day.isoformat(), now)
        providers = [
            WarmUpView(
                provider=name,
                used=places.used.get(name, 0),
                maximum=maximum(day),
                tomorrow=maximum(day + timedelta(days=1)),
            )
            for name, maximum in self.maxima.items()
        ]
        return WarmUpsView(day=day, providers=providers, waiting=places.waiting, next_at=places.next_at)

    async def stop(self, kind: SendingKind, name: str, body: SteerSendingBody) -> SendingView:
        """From here on no marketing mail of it leaves; transactional and internal mail does. Said twice it changes nothing."""
        policies = await self.published.policies()
        known = policies.senders if kind == "sender" else policies.topics
        if name not in known and (kind, name) != ("sender", "owner"):
            raise Problem(404, f"Unknown {kind}", f"The policies have no {kind} {name!r}{nearest(name, known)}")
        await self.audit.write(body.by, "stop sending", f"{kind}:{name}")
        now = self.clock.now()
        rate = await self._rate(kind, name)
        if await self.store.judge(rate, "stopped", now, body.by):
            await self.store.note_told(kind, name, now)
        return await self._one(rate)

    async def resume(self, kind: SendingKind, name: str, body: SteerSendingBody) -> SendingView:
        """Its mail leaves again, and is counted anew. Said twice it changes nothing."""
        await self.audit.write(body.by, "resume sending", f"{kind}:{name}")
        if await self.store.resume_sending(kind, name, self.clock.now(), body.by):
            self.bells.nudge(())
        return await self._one(await self._rate(kind, name))

    async def _rates(self) -> list[SendingRate]:
        limits = (await self.published.policies()).sending_limits
        return await self.store.sending_rates(self.clock.now() - counted_over(limits))

    async def _rate(self, kind: SendingKind, name: str) -> SendingRate:
        nothing = SendingRate(kind=kind, name=name, sent=0, complained=0, bounced=0)
        return next((each for each in await self._rates() if (each.kind, each.name) == (kind, name)), nothing)

    async def _one(self, rate: SendingRate) -> SendingView:
        known = (each for each in await self.store.reputations() if _is_of(each, rate))
        return _view(rate, next(known, None))


def _is_of(known: Reputation, rate: SendingRate) -> bool:
    return (known.rate.kind, known.rate.name) == (rate.kind, rate.name)


def _view(rate: SendingRate, known: Reputation | None) -> SendingView:
    return SendingView(
        kind=rate.kind,
        name=rate.name,
        sent=rate.sent,
        complained=rate.complained,
        bounced=rate.bounced,
        level="good" if known is None else known.level,
        since=None if known is None else known.at,
        by=None if known is None else known.by,
    )
