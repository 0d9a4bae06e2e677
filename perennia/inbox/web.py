"""The inbox's pages: a list, and each message as its reader sees it. No script, and none of a message's ever runs."""

from __future__ import annotations

import re
from dataclasses import asdict
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from perennia.inbox.mailbox import Mailbox, Received

PAGE: Final = 50
MAX_LISTED: Final = 1000
VIEWS: Final = ("html", "text", "headers", "source")

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# A message may show its pictures and open its links in a tab of their own; it may not run, post, or reach this page.
_MESSAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; base-uri 'self'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_BASE = '<base target="_blank">'


class InboxPages:
    """The application's handlers. Every answer but a message's own HTML comes from our templates, escaped."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._templates = Environment(loader=PackageLoader("perennia.inbox", "pages"), autoescape=True)
        self._style = (files("perennia.inbox") / "pages" / "inbox.css").read_text(encoding="utf-8")

    def application(self, hosts: list[str]) -> Starlette:
        """``hosts``: names it may be reached by, so that no other site can read it by pointing its own name here."""
        return Starlette(
            routes=[
                Route("/", self.listing),
                Route("/messages.json", self.listing_json),
                Route("/messages/{number:int}", self.message),
                Route("/messages/{number:int}/html", self.message_html),
                Route("/messages/{number:int}.json", self.message_json),
                Route("/inbox.css", self.style),
                Route("/health", self.health),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        )

    async def listing(self, request: Request) -> Response:
        recipient, before = _query(request, "to"), _number(_query(request, "before"))
        messages = await self._mailbox.summaries(recipient, before=before, limit=PAGE + 1)
        return self._page(
            "list.html",
            recipient=recipient,
            messages=messages[:PAGE],
            older=messages[PAGE - 1].id if len(messages) > PAGE else None,
            newest=before is None,
            count=await self._mailbox.count(recipient),
        )

    async def message(self, request: Request) -> Response:
        received = await self._received(request)
        if received is None:
            return self._page("missing.html", status=404)
        there = [view for view in VIEWS if getattr(received, view)]
        asked = _query(request, "view")
        return self._page(
            "message.html",
            message=received,
            views=there,
            view=asked if asked in there else there[0],
            source=received.source.decode("utf-8", "replace"),
        )

    async def message_html(self, request: Request) -> Response:
        received = await self._received(request)
        if received is None or received.html is None:
            return PlainTextResponse("no HTML", status_code=404, headers=_headers(_PAGE_POLICY))
        html, found = _HEAD.subn(lambda head: head[0] + _BASE, received.html, count=1)
        return HTMLResponse(html if found else _BASE + html, headers=_headers(_MESSAGE_POLICY))

    async def listing_json(self, request: Request) -> Response:
        """``to``, ``after``, ``before`` and ``limit``; ``count`` is of all that match ``to``."""
        recipient = _query(request, "to")
        limit = _number(_query(request, "limit")) or MAX_LISTED
        found = await self._mailbox.summaries(
            recipient,
            before=_number(_query(request, "before")),
            after=_number(_query(request, "after")) or 0,
            limit=min(limit, MAX_LISTED),
        )
        messages = [asdict(summary) for summary in found]
        return JSONResponse({"count": await self._mailbox.count(recipient), "messages": messages})

    async def message_json(self, request: Request) -> Response:
        received = await self._received(request)
        if received is None:
            return JSONResponse({"error": "no such message"}, status_code=404)
        return JSONResponse(
            {
                **asdict(received.summary),
                "headers": [list(header) for header in received.headers],
                "html": received.html,
                "text": received.text,
                "source": received.source.decode("utf-8", "replace"),
            }
        )

    async def style(self, request: Request) -> Response:  # noqa: ARG002  # Starlette's signature
        return Response(self._style, media_type="text/css", headers=_headers(_PAGE_POLICY))

    async def health(self, request: Request) -> Response:  # noqa: ARG002  # Starlette's signature
        return PlainTextResponse("ok")

    async def _received(self, request: Request) -> Received | None:
        return await self._mailbox.message(int(request.path_params["number"]))

    def _page(self, template: str, *, status: int = 200, **names: object) -> Response:
        html = self._templates.get_template(template).render(names)
        return HTMLResponse(html, status_code=status, headers=_headers(_PAGE_POLICY))


def _headers(content_policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def _query(request: Request, name: str) -> str:
    return request.query_params.get(name, "").strip()


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 18 else None
