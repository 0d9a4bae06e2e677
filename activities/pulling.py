"""Taking in what is new in a database, as workers do it."""

from __future__ import annotations

from typing import Protocol

from temporalio import activity

from activities.contracts import Pulling, PullRequest
from activities.failures import activity_failures
from activities.life_signs import signs_of_life


class Puller(Protocol):
    """What reads databases (`perennia.importing.pulling`)."""

    async def pull(self, name: str) -> None: ...


class StorePulling(Pulling):
    def __init__(self, puller: Puller) -> None:
        self._puller = puller

    @activity.defn(name="pull_rows")
    async def pull(self, request: PullRequest) -> None:
        with activity_failures(f"pull {request.name}"):
            async with signs_of_life():
                await self._puller.pull(request.name)
