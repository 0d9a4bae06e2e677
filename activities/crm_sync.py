"""One step of keeping a CRM equal, as workers take it."""

from __future__ import annotations

from temporalio import activity

from activities.contracts import CrmStep, CrmStepped, CrmSyncing
from activities.failures import activity_failures
from activities.life_signs import signs_of_life
from perennia.crm.syncing import CrmSync


class StoreCrmSyncing(CrmSyncing):
    def __init__(self, sync: CrmSync) -> None:
        self._sync = sync

    @activity.defn(name="sync_crm")
    async def step(self, request: CrmStep) -> CrmStepped:
        with activity_failures(f"crm {request.position}"):
            async with signs_of_life():
                return CrmStepped(await self._sync.step(request.position))
