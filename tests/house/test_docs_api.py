"""The API's page names every call there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from starlette.routing import Route

from perennia.api.app import create_app
from perennia.clock import WallClock
from perennia.ingest.bells import Bells
from perennia.rendering.links import Links
from perennia.store.port import Store

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
# Served, and described there in words: the one-letter paths of browser SDKs, and the description itself.
IN_WORDS = re.compile(r"(POST /v1/[a-z]|GET /api/v1/openapi.json|(GET|POST) /[cupst]/\{token\})")


def routes() -> set[str]:
    """``POST /v1/track`` and so on. Nothing is called, so nothing needs to be behind it."""
    nothing = object()
    app = create_app(
        store=cast("Store", nothing),
        bells=cast("Bells", nothing),
        links=cast("Links", nothing),
        clock=WallClock(),
        write_keys=["write"],
        admin_key="administration-key",
    )
    described = cast("dict[str, dict[str, object]]", app.openapi()["paths"])
    ours = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    segments = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return ours | segments


def documented() -> set[str]:
    return set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`", PAGE))


def test_every_call_is_documented() -> None:
    assert sorted(call for call in routes() - documented() if not IN_WORDS.fullmatch(call)) == []


def test_every_documented_call_exists() -> None:
    assert sorted(documented() - routes()) == []
