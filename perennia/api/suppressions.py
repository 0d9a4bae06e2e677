"""Addresses that are never written to: looked at, closed, let go, imported and exported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.needs import needs
from perennia.api.problems import Problem
from perennia.api.suppression_csv import REASON_CHARS, read_csv, write_csv
from perennia.api.views import Order, Text, View, Who
from perennia.clock import Clock
from perennia.core.admission import is_address
from perennia.ingest.bells import Bells
from perennia.store.port import Store

PAGE = 5_000
MOST_ERRORS = 1_000  # told of one import; the count is of all


class SuppressionView(View):
    address: str
    reason: str
    at: datetime


class SuppressionPage(View):
    """``next``: go on with ``after`` set to this; null at the end."""

    suppressions: list[SuppressionView]
    next: str | None


class SuppressBody(Order):
    address: Text
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS)] = "by hand"
    by: Who = "api"


class LiftBody(Order):
    address: Text
    by: Who = "api"


class Changed(View):
    """Whether it changed anything: an address is closed once, and let go once."""

    changed: bool


class ImportBody(Order):
    """``csv``: a line that names the columns (``address``, ``reason``, ``at``), then one for each address.

    ``dry_run``: only look.
    """

    csv: str
    dry_run: bool = False
    by: Who = "api"


class BadRowView(View):
    line: int
    message: str


class ImportAnswer(View):
    """``added``: new ones (of a dry run, those that can be read); ``known``: closed before, or named twice.

    ``bad``: rows that cannot be read, ``errors`` says why of the first thousand.
    """

    added: int
    known: int
    bad: int
    errors: list[BadRowView]


@dataclass(frozen=True)
class Suppressions:
    store: Store
    bells: Bells
    clock: Clock
    audit: AuditLog

    def router(self) -> APIRouter:
        router = APIRouter(tags=["suppressions"], prefix="/suppressions")
        read, write = needs(KeyScope.PERMISSION_READ), needs(KeyScope.PERMISSION_WRITE)
        router.get("", dependencies=read)(self.suppressions)
        router.get("/export", response_class=StreamingResponse, dependencies=read)(self.export)
        router.post("", dependencies=write)(self.suppress)
        # An address stands in no URL: those are written into logs.
        router.post("/lift", dependencies=write)(self.lift)
        router.post("/import", dependencies=write)(self.take_in)
        return router

    async def suppressions(
        self, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: str | None = None
    ) -> SuppressionPage:
        """All of them, a page at a time, by address."""
        found = [SuppressionView.model_validate(each) for each in await self.store.suppressions(limit + 1, after)]
        page = found[:limit]
        return SuppressionPage(suppressions=page, next=page[-1].address if len(found) > limit else None)

    async def suppress(self, body: SuppressBody) -> Changed:
        """Nothing is ever written to this address again, transactional messages neither."""
        if not is_address(body.address.strip()):
            raise Problem(422, "Invalid address", f"{body.address!r} is no email address.")
        await self.audit.write(body.by, "suppress", body.address, reason=body.reason)
        changed = await self.store.suppress(body.address, body.reason, self.clock.now())
        self.bells.nudge([])  # where a message is held for them, the store has set their bell
        return Changed(changed=changed)

    async def lift(self, body: LiftBody) -> Changed:
        """The address may be written to again. Whoever complained or came back once will likely do so again."""
        return Changed(changed=await self.store.lift_suppression(body.address, self.clock.now(), body.by))

    async def take_in(self, body: ImportBody) -> ImportAnswer:
        """Closes every address that can be read, and says of each other row why not. The same file again changes nothing."""
        now = self.clock.now()
        parsed = read_csv(body.csv, now)
        rows, added = parsed.rows, len({each.address.lower() for each in parsed.rows})
        if not body.dry_run:
            await self.audit.write(body.by, "import suppressions", "suppressions", rows=len(rows))
            added = await self.store.suppress_all(rows, now)
            self.bells.nudge([])
        errors = [BadRowView(line=each.line, message=each.message) for each in parsed.errors[:MOST_ERRORS]]
        return ImportAnswer(added=added, known=len(rows) - added, bad=len(parsed.errors), errors=errors)

    async def export(self) -> StreamingResponse:
        """All of them as CSV, which `import` takes."""
        headers = {"Content-Disposition": 'attachment; filename="suppressions.csv"', "Cache-Control": "no-store"}
        return StreamingResponse(self._lines(), media_type="text/csv; charset=utf-8", headers=headers)

    async def _lines(self) -> AsyncIterator[str]:
        after: str | None = None
        while True:
            page = await self.store.suppressions(PAGE, after)
            yield write_csv(page, heading=after is None)
            if len(page) < PAGE:
                return
            after = page[-1].address
