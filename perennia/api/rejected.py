"""What came in and could not be stored as it was meant: looked at, so that the sender or the mapping can be put right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from perennia.access.scopes import KeyScope
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.views import View
from perennia.store.cursors import cursor_of
from perennia.store.port import Store


class RejectedView(View):
    """``reason``: what is wrong with it, in words; of a webhook behind its source. ``raw``: the item as it came."""

    id: str
    at: datetime
    reason: str
    raw: str


@dataclass(frozen=True)
class RejectedItems:
    store: Store

    def router(self) -> APIRouter:
        router = APIRouter(tags=["events"])
        router.get("/rejected-items", dependencies=needs(KeyScope.CUSTOMERS_READ))(self.rejected)
        return router

    async def rejected(self, page: Paged) -> list[RejectedView]:
        """Items of batches and webhooks that could not be taken, newest first."""
        found = await page.of(self.store.rejected_items, lambda one: cursor_of(one.at, one.id))
        return [RejectedView.model_validate(one) for one in found]
