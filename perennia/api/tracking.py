"""Links and pictures that tell of clicks and opens: ``/l/TOKEN`` leads on, ``/o/TOKEN`` is a picture that nobody sees.

Where a link leads stood in the message when it was signed: nothing here redirects to what a caller says. What is heard is
kept once for each link, by a person and by a machine apart, and only a person's is told to playbooks. HEAD is heard by nobody.
A reader comes to where the link leads whatever becomes of the telling.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, unknown_link
from perennia.api.machines import machine_sign
from perennia.rendering.links import BadToken
from perennia.store.port import StoreUnavailable
from perennia.store.records import MessageReport

log = logging.getLogger(__name__)

PROVIDER: Final = "perennia"
_PICTURE: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True)
class TrackedLinks(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/l/{token}", self.follow, methods=["GET", "HEAD"], name="tracked link"),
            Route("/o/{token}", self.picture, methods=["GET", "HEAD"], name="tracking picture"),
        ]

    async def follow(self, request: Request) -> Response:
        """Leads to where the link led when it was written."""
        try:
            link = self.links.read_click(request.path_params["token"])
        except BadToken:
            _, words = await self.surroundings(request)
            return unknown_link(words)
        report = MessageReport(
            id=f"{link.reference}/clicked/{link.number}",
            provider=PROVIDER,
            what="clicked",
            reference=link.reference,
            address=None,
            raw=msgspec.json.encode({"url": link.target, "machine": machine_sign(request.headers)}).decode(),
            machine=machine_sign(request.headers) is not None,
            seen=True,
            item=link.item,
        )
        await self._hear(request, report)
        return Response(status_code=302, headers={**_HEADERS, "Location": link.target})

    async def picture(self, request: Request) -> Response:
        """One transparent pixel, for any token: a picture that is broken would be seen."""
        try:
            reference = self.links.read_open(request.path_params["token"])
        except BadToken:
            return Response(_PICTURE, headers=_HEADERS, media_type="image/gif")
        sign = machine_sign(request.headers)
        report = MessageReport(
            id=f"{reference}/opened",
            provider=PROVIDER,
            what="opened",
            reference=reference,
            address=None,
            raw=msgspec.json.encode({"machine": sign}).decode(),
            machine=sign is not None,
            seen=True,
        )
        await self._hear(request, report)
        return Response(_PICTURE, headers=_HEADERS, media_type="image/gif")

    async def _hear(self, request: Request, report: MessageReport) -> None:
        if request.method == "HEAD":
            return
        try:
            if await self.store.hear_report(report, self.clock.now()):
                self.bells.nudge([])  # where it concerns somebody, the store has set their bell
        except StoreUnavailable:
            log.warning("a click or an opening was not kept: the store is away")
