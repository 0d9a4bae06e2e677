"""Publishes that are under way: how far each is, and how it is held, let go on, or slowed down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from fastapi import APIRouter
from temporalio.service import RPCError

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.views import PauseBody, RateBody, RevisionView, UnderWayView
from perennia.core.json_values import Json
from perennia.store.port import Store
from perennia.store.records import UnderWay
from perennia.temporal.publishes import NotUnderWay
from workflows.messages import PublishProgress


class Steering(Protocol):
    """What is asked of whoever runs publishes (`perennia.temporal.publishes`). Raises `RPCError`, `RuntimeError`."""

    async def progress(self, number: int) -> PublishProgress | None: ...

    async def pause(self, number: int) -> None: ...

    async def resume(self, number: int) -> None: ...

    async def change_rate(self, number: int, rate: int) -> None: ...


class _NoPublishes:
    """An API without Temporal: nothing is known of publishes, and nobody can steer them."""

    async def progress(self, number: int) -> PublishProgress | None:  # noqa: ARG002 - the protocol's
        return None

    async def pause(self, number: int) -> None:
        raise RuntimeError(f"nobody runs publish {number}")

    resume = pause

    async def change_rate(self, number: int, rate: int) -> None:  # noqa: ARG002 - the protocol's
        await self.pause(number)


NO_PUBLISHES: Final = _NoPublishes()


@dataclass(frozen=True)
class PublishesUnderWay:
    store: Store
    publishes: Steering
    audit: AuditLog

    def router(self) -> APIRouter:
        router = APIRouter(tags=["publishing"])
        read, write = needs(KeyScope.PLAYBOOKS_READ), needs(KeyScope.PLAYBOOKS_WRITE)
        router.get("/publishing", dependencies=read)(self.list)
        router.post("/publishing/{number}/pause", dependencies=write)(self.pause)
        router.post("/publishing/{number}/resume", dependencies=write)(self.resume)
        router.post("/publishing/{number}/rate", dependencies=write)(self.change_rate)
        return router

    async def list(self) -> list[UnderWayView]:
        """Revisions that have not reached everybody whom they concern, oldest first."""
        return [await self._view(each) for each in await self.store.under_way()]

    async def pause(self, number: int, body: PauseBody) -> UnderWayView:
        """Nobody more is brought to the revision until it is resumed."""
        return await self._steer(number, body.by, "pause publishing", self.publishes.pause)

    async def resume(self, number: int, body: PauseBody) -> UnderWayView:
        """Customers are brought to the revision again."""
        return await self._steer(number, body.by, "resume publishing", self.publishes.resume)

    async def change_rate(self, number: int, body: RateBody) -> UnderWayView:
        """From now on so many customers a second are brought to the revision."""

        async def change(number: int) -> None:
            await self.publishes.change_rate(number, body.rate)

        return await self._steer(number, body.by, "rate of publishing", change, rate=body.rate)

    async def _steer(
        self, number: int, by: str, action: str, act: Callable[[int], Awaitable[None]], **detail: Json
    ) -> UnderWayView:
        under_way = {each.revision.number: each for each in await self.store.under_way()}
        if number not in under_way:
            raise await self._over(number)
        await self.audit.write(by, action, str(number), **detail)
        try:
            await act(number)
        except NotUnderWay:
            raise await self._over(number) from None
        except (RPCError, RuntimeError) as error:
            detail_ = "Temporal does not answer. Nothing was changed; try again."
            raise Problem(503, "Temporal unavailable", detail_) from error
        return await self._view(under_way[number])

    async def _over(self, number: int) -> Problem:
        if await self.store.find_revision(str(number)) is None:
            return Problem(404, "Unknown revision", f"There is no revision {number}. Run: perennia revisions")
        return Problem(409, "Not under way", f"Revision {number} has reached everybody whom it concerns.")

    async def _view(self, under_way: UnderWay) -> UnderWayView:
        try:
            progress = await self.publishes.progress(under_way.revision.number)
        except (RPCError, RuntimeError):
            progress = None
        return UnderWayView(
            revision=RevisionView.model_validate(under_way.revision),
            reached=under_way.reached,
            left=under_way.left,
            rate=None if progress is None else progress.rate,
            paused=None if progress is None else progress.paused,
        )
