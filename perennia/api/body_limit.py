"""A bound on request bodies of the team's API, held before anything reads them, and before the key is looked at."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from perennia.api.problems import Problem

MOST_BYTES = 16 * 1024 * 1024  # a release of some thousand definitions and templates


class BodyLimit:
    """Answers 413 to a declared length over the limit, and 411 to a body of no declared length, under ``/api/``."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope) if scope["type"] == "http" and scope["path"].startswith("/api/") else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problem.response()(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if b"transfer-encoding" in headers:
            return Problem(411, "Length required", "Send the body with a Content-Length.")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._most_bytes:
            return Problem(413, "Too large", f"A request may have {self._most_bytes} bytes.")
        return None
