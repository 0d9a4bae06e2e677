"""Pages that people reach by links in messages: what all of them have in common, in the reader's language.

No script, no cookie, nothing loaded from elsewhere (the workspace's colour comes from `theme`); nobody learns the link from a
referrer, and no search engine keeps it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from perennia.api.published import Published
from perennia.api.words import Words, words_for
from perennia.clock import Clock
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.core.json_values import JsonObject
from perennia.ingest.bells import Bells
from perennia.rendering.links import Links
from perennia.store.port import Store, StoreUnavailable

# A comment of the longest kind, percent-encoded, and then some.
FORM_BYTES = 64 * 1024


@dataclass(frozen=True)
class Hosted:
    """What stands behind each of these pages."""

    store: Store
    bells: Bells
    links: Links
    published: Published
    clock: Clock

    async def surroundings(self, request: Request) -> tuple[Policies, Words]:
        """What is published, as far as the store can be reached (a page is shown in any case), and the reader's words."""
        try:
            policies = await self.published.policies()
        except StoreUnavailable:
            policies = NO_POLICIES
        return policies, reader_words(request, policies.locale)


def try_again(words: Words, fields: Mapping[str, str] | Sequence[tuple[str, str]] | None) -> Response:
    """The store is away. ``fields``: what was posted, to be posted again; None where nothing was."""
    posted = list(fields.items()) if isinstance(fields, Mapping) else fields
    return page("try_again", 503, words, {"Retry-After": "5"}, fields=posted)


def unknown_link(words: Words) -> Response:
    """The link was not made here, was changed on its way, or is about somebody who was erased."""
    return page("unknown_link", 404, words)


def page(name: str, status: int, words: Words, headers: dict[str, str] | None = None, **content: object) -> Response:
    """A hosted page with its headers."""
    html = _pages().get_template(f"{name}.html").render(content, words=words, say=words.say, style=_style())
    about = {**_page_headers(), "Content-Language": words.locale, "Vary": "Accept-Language"}
    return Response(html, status, {**about, **(headers or {})}, media_type="text/html")


def topic_name(policies: Policies, topic: str) -> str:
    """As people know it; its id where it is not published any more."""
    return policies.topics[topic].name if topic in policies.topics else topic


def proof_of(request: Request) -> JsonObject:
    """What a person's own click leaves behind: where it came from, and the program as a hash (enough to compare with)."""
    program = request.headers.get("User-Agent", "")
    return {
        "ip": None if request.client is None else request.client.host,
        "user_agent_sha256": hashlib.sha256(program.encode()).hexdigest(),
    }


def reader_words(request: Request, fallback: str) -> Words:
    """In the language that the reader's browser asks for, else in ``fallback`` (a locale), else in English."""
    return words_for(request.headers.get("Accept-Language", ""), fallback)


async def body_of(request: Request) -> bytes:
    """What was posted, as far as a form of these pages can be long."""
    body = b""
    async for chunk in request.stream():
        body += chunk[: FORM_BYTES - len(body)]
    return body


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of a posted form; the last of each name."""
    return dict(pairs_of(body))


def pairs_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a posted form, in their order; a name may come again."""
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=None)


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
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{style}' 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
