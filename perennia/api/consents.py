"""What contacts said of topics: told by forms and systems, looked at by the team, with the whole history."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from perennia.access.scopes import KeyScope
from perennia.api.consent_views import ConsentAnswer, ConsentBody, ConsentRecordView, ConsentsView
from perennia.api.needs import needs
from perennia.api.published import Published
from perennia.api.views import ConsentView
from perennia.clock import Clock
from perennia.core.tracking import CHOICE
from perennia.ingest.bells import Bells
from perennia.store.permission_records import ConsentOutcome, ConsentSaid
from perennia.store.port import Store


@dataclass(frozen=True)
class Consents:
    store: Store
    bells: Bells
    clock: Clock
    published: Published

    def router(self) -> APIRouter:
        router = APIRouter(tags=["consents"])
        path = "/customers/{reference:path}/consents"
        router.get(path, dependencies=needs(KeyScope.PERMISSION_READ))(self.consents)
        router.add_api_route(
            path,
            self.say,
            methods=["POST"],
            response_model=ConsentAnswer,
            dependencies=needs(KeyScope.PERMISSION_WRITE),
        )
        return router

    async def consents(self, reference: str) -> ConsentsView:
        """How it stands with each topic of a contact, and all that was ever said, the last first."""
        customer = await self.store.find(reference, "contact")
        return ConsentsView(
            customer=customer,
            topics=await consent_views(self.store, self.published, self.clock, customer),
            history=[ConsentRecordView.model_validate(each) for each in await self.store.consent_records(customer)],
        )

    async def say(self, reference: str, body: ConsentBody) -> ConsentAnswer:
        """Keeps what a contact said of a topic. A yes to a topic with `confirm` sends a message; its link confirms.

        A no to `:tracking`: nobody shall see whether they open messages and follow links. A yes takes that back.
        """
        if body.topic != CHOICE:
            await self.published.must_have_topic(body.topic)
        customer = await self.store.find(reference, "contact")
        said = ConsentSaid(
            topic=body.topic,
            given=body.given,
            at=self.clock.now(),
            source=body.source,
            text=body.text,
            proof=body.proof,
            proven=body.proven,
            by=body.by,
        )
        outcome = await self.store.say_consent(customer, said)
        if outcome in (ConsentOutcome.ASKED, ConsentOutcome.WITHDRAWN):
            self.bells.nudge([])
        topics = await consent_views(self.store, self.published, self.clock, customer)
        now = next(each for each in topics if each.topic == body.topic)
        return ConsentAnswer(customer=customer, outcome=outcome.value, consent=now)


async def consent_views(store: Store, published: Published, clock: Clock, customer: str) -> list[ConsentView]:
    """Every topic of the policies, and those of former ones that something was said of."""
    topics = (await published.policies()).topics
    said = {each.topic: each for each in await store.consent_standings(customer, clock.now())}
    return [
        ConsentView(
            topic=name,
            kind=topics[name].kind if name in topics else None,
            state=said[name].state if name in said else "unsaid",
            at=said[name].at if name in said else None,
            source=said[name].source if name in said else None,
            until=said[name].until if name in said else None,
        )
        for name in sorted({*topics, *said})
    ]
