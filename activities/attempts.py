"""What all attempts at an effect have in common: waiting out a pause, and writing down how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from perennia.core.decisions import Reason
from perennia.store.port import StoreUnavailable

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
