"""The page behind the link that confirms a consent (double opt-in). Opening it changes nothing: a person confirms."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, page, proof_of, topic_name, try_again, unknown_link
from perennia.rendering.links import BadToken
from perennia.store.permission_records import ConsentLink
from perennia.store.port import StoreUnavailable, UnknownCustomer


@dataclass(frozen=True)
class ConfirmPage(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/c/{token}", self.ask, methods=["GET", "HEAD"], name="confirm page"),
            Route("/c/{token}", self.confirm, methods=["POST"], name="confirm a consent"),
        ]

    async def ask(self, request: Request) -> Response:
        """Shows what the link is about and a button. Changes nothing."""
        policies, words = await self.surroundings(request)
        try:
            link = self.links.read_confirm(request.path_params["token"])
        except BadToken:
            return unknown_link(words)
        return page("confirm", 200, words, topic=topic_name(policies, link.topic), sender=policies.name)

    async def confirm(self, request: Request) -> Response:
        """Gives the consent, with what proves it."""
        policies, words = await self.surroundings(request)
        try:
            link = self.links.read_confirm(request.path_params["token"])
            asked = ConsentLink(customer=link.customer, topic=link.topic, asked_at=link.asked_at, mark=link.mark)
            confirmed = await self.store.confirm_consent(asked, self.clock.now(), proof_of(request))
        except (BadToken, UnknownCustomer):
            return unknown_link(words)
        except StoreUnavailable:
            return try_again(words, {})
        topic = topic_name(policies, link.topic)
        return (
            page("confirmed", 200, words, topic=topic) if confirmed else page("confirm_over", 410, words, topic=topic)
        )
