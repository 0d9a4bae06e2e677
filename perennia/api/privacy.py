"""What is held of a customer, and erasing them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.views import Order, View, Who
from perennia.clock import Clock
from perennia.core.definitions import Scope
from perennia.files.archives import zipped_csv
from perennia.ingest.bells import Bells
from perennia.store.port import Store
from perennia.store.privacy_records import Erasure


class EraseBody(Order):
    """``members``: of an account, its contacts too. ``suppress``: never write to their addresses again.

    ``dry_run``: only count. ``crm``: their record in the CRM is erased, too, with the next comparison.
    """

    members: bool = False
    suppress: bool = False
    dry_run: bool = False
    crm: bool = False
    by: Who = "api"


class ErasedView(View):
    """``customer``: the internal id, which leads to nobody any more. ``again``: they were erased before, ``at`` that instant.

    ``rows``: how many were deleted, by what they were. ``members``: internal ids of contacts that were erased with their account.
    ``touched``: accounts and contacts in which what they were called is overwritten.
    """

    customer: str | None
    kind: Scope
    at: datetime
    again: bool
    rows: dict[str, int]
    members: list[str]
    touched: list[str]


@dataclass(frozen=True)
class Privacy:
    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog

    def router(self) -> APIRouter:
        router = APIRouter(tags=["privacy"])
        router.get(
            "/customers/{reference:path}/export", response_class=Response, dependencies=needs(KeyScope.PRIVACY_READ)
        )(self.export)
        router.add_api_route(
            "/customers/{reference:path}/erase",
            self.erase,
            methods=["POST"],
            response_model=ErasedView,
            dependencies=needs(KeyScope.PRIVACY_WRITE),
        )
        return router

    async def export(
        self,
        reference: str,
        kind: Scope | None = None,
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
        by: Who = "api",
    ) -> Response:
        """Everything that is held of a customer: JSON, or a ZIP of one CSV file for each kind of thing."""
        held = await self.store.dossier(reference, kind)
        await self.audit.write(by, "export", str(held["customer"][0]["id"]))
        suffix, media_type = ("zip", "application/zip") if form == "csv" else ("json", "application/json")
        headers = {
            "Content-Disposition": f'attachment; filename="customer.{suffix}"',
            "Cache-Control": "no-store",
        }
        content = zipped_csv(held) if form == "csv" else msgspec.json.encode(held)
        return Response(content, 200, headers, media_type)

    async def erase(self, reference: str, body: EraseBody, kind: Scope | None = None) -> ErasedView:
        """Deletes everything that is held of a customer. There is no way back; doing it again changes nothing."""
        order = Erasure(
            at=self.clock.now(),
            by=body.by,
            members=body.members,
            suppress=body.suppress,
            only_count=body.dry_run,
            crm=body.crm,
        )
        erased = await self.store.erase(reference, kind, order)
        if not (body.dry_run or erased.again):
            self.bells.nudge([each for each in (erased.customer, *erased.members, *erased.touched) if each is not None])
        return ErasedView.model_validate(erased)
