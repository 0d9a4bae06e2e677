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


def hold(key: str) -> NoReturn:
    """The playbook was paused after the effect was released: the claim left it as it was, and so does the turn.

    Not tried again here, however long the pause: the first turn after it asks anew.
    """
    raise ApplicationError(
        f"playbook_paused: {key}",
        type=Reason.PLAYBOOK_PAUSED,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
