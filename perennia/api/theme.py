"""``GET /pages.css``: the workspace's own colour, over the style that each hosted page brings along.

A style of its own, not a part of the pages: their one style has a hash in the policy of what may be loaded, and stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted

# So long a page may have the former colour; and nobody asks for each page of a survey.
_HEADERS = {"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Theme(Hosted):
    def routes(self) -> list[Route]:
        return [Route("/pages.css", self.style, methods=["GET", "HEAD"], name="colours of pages")]

    async def style(self, request: Request) -> Response:
        """Nothing where the policies say nothing, or cannot be read: then the pages have their usual colour."""
        policies, _ = await self.surroundings(request)
        accent = policies.pages.accent
        css = "" if accent is None else f":root {{ --accent: {accent}; }}\n"
        return Response(css, headers=_HEADERS, media_type="text/css")
