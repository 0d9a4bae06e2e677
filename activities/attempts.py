"""What all attempts at an effect have in common: waiting out a pause, and writing down how they went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, NoReturn

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from perennia.core.decisions import Reason
from perennia.providers.failures import Misconfigured, ProviderFailure, Unavailable
from perennia.store.attempt_port import Attempts
from perennia.store.attempt_records import AttemptOutcome, Tried
from perennia.store.port import StoreUnavailable

log = logging.getLogger(__name__)

# It is out; what is left is to write it down. Longer than a locked store lasts, shorter than the attempt (2 min).
RECORDING_SECONDS: Final = 90.0


async def patiently(write: Callable[[], Awaitable[None]]) -> None:
    """Writes down what became of the attempt: one that does not is taken for interrupted, and its effect for uncertain."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + RECORDING_SECONDS
    pause = 0.1
    while True:
        try:
            await write()
            return
        except StoreUnavailable:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


async def note_failure(store: Attempts, key: str, provider: str | None, failure: ProviderFailure, at: datetime) -> None:
    """Writes down what this try came to, for people to look at: nothing waits for it, or fails with it."""
    await note(
        store, key, Tried(at=at, provider=provider, outcome=_outcome(failure), said=str(failure), reply=failure.reply)
    )


async def note(store: Attempts, key: str, tried: Tried) -> None:
    try:
        await store.note_attempt(key, tried)
    except StoreUnavailable:
        log.warning("%s: a try was not written down: the store is away", key)


def _outcome(failure: ProviderFailure) -> AttemptOutcome:
    match failure:
        case Unavailable():
            return "unanswered" if failure.maybe_sent else "unavailable"
        case Misconfigured():
            return "misconfigured"
        case _:
            return "refused"


# What keeps an effect where it is, however long: nothing has failed.
HOLDING: Final = frozenset({Reason.PLAYBOOK_PAUSED, Reason.SENDING_STOPPED, Reason.WARM_UP})


def hold(key: str, why: Reason = Reason.PLAYBOOK_PAUSED) -> NoReturn:
    """The effect was released, and then its playbook was paused, its sender stopped, or nobody had a place for it.

    Claim and turn leave it as it was.
    Not tried again here, however long that lasts: the first turn after it asks anew.
    """
    raise ApplicationError(
        f"{why.value}: {key}",
        type=why,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
