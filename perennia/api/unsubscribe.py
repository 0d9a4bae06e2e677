"""The page behind the unsubscribe link, and the one-click call of mail programs (RFC 8058).

Mail scanners open every link, so GET and HEAD never change anything: a person confirms, or the mail program posts.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, body_of, page, topic_name, try_again, unknown_link
from perennia.rendering.links import BadToken
from perennia.store.port import StoreUnavailable, UnknownCustomer

ONE_CLICK = b"One-Click"


@dataclass(frozen=True)
class UnsubscribePage(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/u/{token}", self.ask, methods=["GET", "HEAD"], name="unsubscribe page"),
            Route("/u/{token}", self.unsubscribe, methods=["POST"], name="unsubscribe"),
        ]

    async def ask(self, request: Request) -> Response:
        """Shows what the link is about and a button. Changes nothing."""
        policies, words = await self.surroundings(request)
        try:
            _, topic = self.links.read_unsubscribe(request.path_params["token"])
        except BadToken:
            return unknown_link(words)
        return page("unsubscribe", 200, words, topic=topic_name(policies, topic), sender=policies.name)

    async def unsubscribe(self, request: Request) -> Response:
        """Says no to the topic. Any POST of a valid link counts: no mail program's oddity may refuse a person's no."""
        policies, words = await self.surroundings(request)
        try:
            customer, topic = self.links.read_unsubscribe(request.path_params["token"])
        except BadToken:
            return unknown_link(words)
        source = "one-click" if ONE_CLICK in await body_of(request) else "page"
        try:
            if await self.store.unsubscribe(customer, topic, self.clock.now(), source):
                self.bells.nudge([])  # where a message is held for them, the store has set their bell
        except UnknownCustomer:
            pass  # erased in between: nothing is ever sent there, which is what was asked for
        except StoreUnavailable:
            return try_again(words, {})
        return page("unsubscribed", 200, words, topic=topic_name(policies, topic), sender=policies.name)
