"""The page where a person chooses which topics they hear about, and that they are not tracked. Opening it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennia.api.hosted import Hosted, body_of, fields_of, page, proof_of, reader_words, try_again, unknown_link
from perennia.api.words import Words
from perennia.core.definitions import Policies
from perennia.core.tracking import CHOICE, is_tracking
from perennia.rendering.links import BadToken
from perennia.store.permission_records import ConsentSaid
from perennia.store.port import StoreUnavailable, UnknownCustomer

# The field that says no to everything, and what the name of a topic's field begins with.
NONE = "none"
TOPIC = "topic."
# The field that says no to being tracked; the form that says no to everything lacks it, and says nothing of it.
UNTRACKED = "untracked"
SOURCE = "preferences"


@dataclass(frozen=True)
class PreferencesPage(Hosted):
    def routes(self) -> list[Route]:
        return [
            Route("/p/{token}", self.ask, methods=["GET", "HEAD"], name="preferences page"),
            Route("/p/{token}", self.save, methods=["POST"], name="save preferences"),
        ]

    async def ask(self, request: Request) -> Response:
        """Shows each topic, ticked where its messages may be sent. Changes nothing."""
        policies, words = await self.surroundings(request)
        try:
            customer = self.links.read_preferences(request.path_params["token"])
            said = await self.store.consents(customer)
            return _page(policies, words, _wanted(said, policies), _refuses(said, policies))
        except (BadToken, UnknownCustomer):
            return unknown_link(words)
        except StoreUnavailable:
            return try_again(words, None)

    async def save(self, request: Request) -> Response:
        """Keeps what was chosen: of each topic that the page had, whether it was ticked."""
        words = reader_words(request, "en")
        fields = fields_of(await body_of(request))
        try:
            policies = await self.published.policies()
            words = reader_words(request, policies.locale)
            customer = self.links.read_preferences(request.path_params["token"])
            said = await self.store.consents(customer)
            before, refused = _wanted(said, policies), _refuses(said, policies)
            chosen = {topic: NONE not in fields and TOPIC + topic in fields for topic in before}
            for topic in before:
                if chosen[topic] != before[topic]:
                    await self.store.say_consent(customer, self._said(request, topic, given=chosen[topic]))
            if refused is not None and NONE not in fields and refused != (UNTRACKED in fields):
                refused = not refused
                await self.store.say_consent(customer, self._said(request, CHOICE, given=not refused))
        except (BadToken, UnknownCustomer):
            return unknown_link(words)
        except StoreUnavailable:
            return try_again(words, fields)
        self.bells.nudge([])  # where a message is held for them, the store has set their bell
        return _page(policies, words, chosen, refused, saved=True)

    def _said(self, request: Request, topic: str, *, given: bool) -> ConsentSaid:
        """The link came by mail, so the address is theirs."""
        proof = proof_of(request) if given else {}
        return ConsentSaid(topic=topic, given=given, at=self.clock.now(), source=SOURCE, proof=proof, proven=True)


def _wanted(said: Mapping[str, bool], policies: Policies) -> dict[str, bool]:
    """Which topics may be sent: as the person said, else as the kind of the topic has it."""
    return {name: said.get(name, topic.kind == "opt_out") for name, topic in policies.topics.items()}


def _refuses(said: Mapping[str, bool], policies: Policies) -> bool | None:
    """Whether the person does not want to be tracked. None: nobody is, and they have said nothing of it."""
    refused = said.get(CHOICE) is False
    return refused if refused or is_tracking(policies) else None


def _page(
    policies: Policies, words: Words, wanted: dict[str, bool], refused: bool | None, *, saved: bool = False
) -> Response:
    return page(
        "preferences",
        200,
        words,
        topics=policies.topics,
        wanted=wanted,
        sender=policies.name,
        saved=saved,
        prefix=TOPIC,
        refused=refused,
        untracked=UNTRACKED,
    )
