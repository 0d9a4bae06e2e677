"""A message to colleagues, to be looked at: through the real provider, marked, and written down nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import msgspec

from activities.letters import Letters, MessageLinks
from activities.published import Published
from perennia.clock import Clock
from perennia.core.decisions import SendEmail
from perennia.providers.addresses import InvalidAddress, Mailbox
from perennia.providers.failures import ProviderFailure
from perennia.providers.routes import EmailRoutes
from perennia.rendering import TemplateError
from perennia.store.port import Store

MARK = "[Test] "


class TestLetters:
    """``routes`` is asked at the first message: a server that sends nothing else need not know a provider."""

    __test__ = False  # pytest takes what is called so for tests

    def __init__(self, store: Store, routes: Callable[[], EmailRoutes], links: MessageLinks, clock: Clock) -> None:
        self._letters = Letters(Published(store), links)
        self._build = routes
        self._routes: EmailRoutes | None = None
        self._clock = clock

    async def send(self, customer: str, effect: SendEmail, to: str) -> str | None:
        """Each call sends anew: its key is its own. Nobody is asked again: whoever tests does."""
        once = msgspec.structs.replace(effect, key=f"{customer}/{uuid.uuid4().hex}/{effect.step}/1")
        try:
            letter = await self._letters.write(customer, once, Mailbox(to), self._clock.now())
            # No List-Unsubscribe: a colleague's mail program would offer to leave a list that nobody is on.
            email = replace(letter.email, subject=f"{MARK}{letter.email.subject}", headers=())
            self._routes = self._routes or self._build()
            await self._routes.chain(effect.sender, effect.topic)[0].provider.send(email)
        except (InvalidAddress, ProviderFailure, TemplateError, ValueError) as error:
            return str(error)
        return None
