"""One attempt at one message in a process of its own, which kills itself at a given moment of the attempt.

``python -m tests.support.sending_process STORE_URL EMAIL_URL CUSTOMER KEY MOMENT``
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import cast

from temporalio.testing import ActivityEnvironment

from activities.contracts import EffectRequest
from activities.messages import StoreMessages
from perennia.clock import WallClock
from perennia.providers.email import EmailProvider, OutgoingEmail, SentEmail, email_provider
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.port import Store

BEFORE_CLAIM, AFTER_CLAIM, AFTER_ACCEPTANCE, AFTER_END = "before_claim", "after_claim", "after_acceptance", "after_end"
LINKS = Links("https://acme.example", ["a key of the tests"])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalStore:
    """The store; the process dies before or after one of its methods."""

    def __init__(self, store: Store, moment: str) -> None:
        self._store = store
        self._dies = {BEFORE_CLAIM: ("claim_message", True), AFTER_END: ("end_message", False)}.get(moment)

    def __getattr__(self, name: str) -> object:
        method: Callable[..., Awaitable[object]] = getattr(self._store, name)

        async def call(*arguments: object) -> object:
            if self._dies == (name, True):
                die()
            result = await method(*arguments)
            if self._dies == (name, False):
                die()
            return result

        return call


class MortalProvider:
    """The provider; the process dies right before or after it was asked."""

    def __init__(self, provider: EmailProvider, moment: str) -> None:
        self.name = provider.name
        self.capabilities = provider.capabilities
        self._provider = provider
        self._moment = moment

    async def send(self, message: OutgoingEmail) -> SentEmail:
        if self._moment == AFTER_CLAIM:
            die()
        sent = await self._provider.send(message)
        if self._moment == AFTER_ACCEPTANCE:
            die()
        return sent

    async def examine(self) -> str:
        return await self._provider.examine()

    async def close(self) -> None:
        await self._provider.close()


async def main(store_url: str, email_url: str, customer: str, key: str, moment: str) -> None:
    store = cast("Store", MortalStore(open_store(store_url), moment))
    provider = MortalProvider(email_provider(email_url), moment)
    messages = StoreMessages(store, provider, LINKS, WallClock())
    await ActivityEnvironment().run(messages.send, EffectRequest(customer, key))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
