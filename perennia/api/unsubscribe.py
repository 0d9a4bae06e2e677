"""The page behind the unsubscribe link, and the one-click call of mail programs (RFC 8058).

Mail scanners open every link, so GET and HEAD never change anything: a person confirms, or the mail program posts.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.published import Published
from perennia.clock import Clock
from perennia.ingest.bells import Bells
from perennia.rendering.links import BadToken, Links
from perennia.store.port import Store, StoreUnavailable, UnknownCustomer

ONE_CLICK = b"One-Click"
BODY_BYTES = 4 * 1024


@dataclass(frozen=True)
class UnsubscribePage:
    store: Store
    bells: Bells
    links: Links
    published: Published
    clock: Clock

    def routes(self) -> list[Route]:
        return [
            Route("/u/{token}", self.ask, methods=["GET", "HEAD"], name="unsubscribe page"),
            Route("/u/{token}", self.unsubscribe, methods=["POST"], name="unsubscribe"),
        ]

    async def ask(self, request: Request) -> Response:
        """Shows what the link is about and a button. Changes nothing."""
        try:
            _, topic = self.links.read_unsubscribe(request.path_params["token"])
        except BadToken:
            return page("unknown_link", 404)
        return page("unsubscribe", 200, topic=await self._topic_name(topic), sender=await self._sender())

    async def unsubscribe(self, request: Request) -> Response:
        """Says no to the topic. Any POST of a valid link counts: no mail program's oddity may refuse a person's no."""
        try:
            customer, topic = self.links.read_unsubscribe(request.path_params["token"])
        except BadToken:
            return page("unknown_link", 404)
        source = "one-click" if ONE_CLICK in await _start_of_body(request) else "page"
        try:
            if await self.store.unsubscribe(customer, topic, self.clock.now(), source):
                self.bells.nudge([])  # where a message is held for them, the store has set their bell
        except UnknownCustomer:
            pass  # erased in between: nothing is ever sent there, which is what was asked for
        except StoreUnavailable:
            return page("try_again", 503, {"Retry-After": "5"})
        return page("unsubscribed", 200, topic=await self._topic_name(topic), sender=await self._sender())

    async def _topic_name(self, topic: str) -> str:
        try:
            topics = (await self.published.policies()).topics
        except StoreUnavailable:
            return topic
        return topics[topic].name if topic in topics else topic

    async def _sender(self) -> str | None:
        try:
            return (await self.published.policies()).name
        except StoreUnavailable:
            return None


async def _start_of_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        if len(body) < BODY_BYTES:
            body += chunk[:BODY_BYTES]
    return body


# --- pages ----------------------------------------------------------------------------------------------------------


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("perennia.api", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    loader = _pages().loader
    assert loader is not None  # noqa: S101 - given above
    return loader.get_source(_pages(), "style.css")[0]


@cache
def _page_headers() -> dict[str, str]:
    """Nothing is loaded, nothing is run, nothing is stored, and nobody learns the link from a referrer."""
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }


def page(name: str, status: int, headers: dict[str, str] | None = None, **content: str | None) -> Response:
    """A hosted page with its headers."""
    html = _pages().get_template(f"{name}.html").render(content, style=_style())
    return Response(html, status, {**_page_headers(), **(headers or {})}, media_type="text/html")
