"""Lists, a page at a time: what comes next is told as a link, which a client follows without knowing what it means.

``Link: </api/v1/tasks?after=…>; rel="next"`` (RFC 8288); without the header the page was the last one.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

T = TypeVar("T")
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class Page:
    """Which page is asked for: at most ``limit``, behind the one whose cursor is ``after``."""

    limit: int
    after: str | None
    request: Request
    response: Response

    async def of(
        self, rows: Callable[[int, str | None], Awaitable[Sequence[T]]], cursor: Callable[[T], str]
    ) -> Sequence[T]:
        """So many of ``rows(limit, after)``; where there are more, the answer says where they are."""
        found = await rows(self.limit + 1, self.after)
        page = found[: self.limit]
        if len(found) > self.limit:
            url = self.request.url.include_query_params(limit=self.limit, after=cursor(page[-1]))
            self.response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return page

    async def of_numbered(
        self, rows: Callable[[int, int | None], Awaitable[Sequence[T]]], number: Callable[[T], int]
    ) -> Sequence[T]:
        """The same of what is numbered and listed backwards; behind what is no number there is nothing."""
        before = None if self.after is None else int(self.after) if _NUMBER.fullmatch(self.after) else 0
        return await self.of(lambda limit, _: rows(limit, before), lambda row: str(number(row)))


async def _page(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[
        str | None,
        Query(max_length=500, description="The cursor of a page; taken from the `Link` header of the page before"),
    ] = None,
) -> Page:
    return Page(limit, after, request, response)


Paged = Annotated[Page, Depends(_page)]
