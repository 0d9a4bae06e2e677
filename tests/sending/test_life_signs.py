"""An attempt that takes long says so now and then, and one that does not costs no call."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.testing import ActivityEnvironment

from activities.life_signs import EVERY_SECONDS, signs_of_life
from workflows.policies import EFFECTS


async def attempt(seconds: float) -> None:
    async with signs_of_life(every_seconds=0.02):
        await asyncio.sleep(seconds)


async def signs_of(seconds: float) -> int:
    environment = ActivityEnvironment()
    signs: list[tuple[object, ...]] = []
    environment.on_heartbeat = lambda *details: signs.append(details)
    await environment.run(attempt, seconds)
    return len(signs)


async def test_a_long_attempt_gives_signs_of_life() -> None:
    assert await signs_of(0.5) >= 2


async def test_a_short_attempt_gives_none() -> None:
    assert await signs_of(0) == 0


async def test_the_attempts_failure_passes_and_the_signs_end() -> None:
    async def fail() -> None:
        async with signs_of_life():
            raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await ActivityEnvironment().run(fail)
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "signs of life"] == []


def test_several_signs_fit_into_the_silence_that_is_taken_for_death() -> None:
    assert all(policy.silence.total_seconds() >= 5 * EVERY_SECONDS for policy in EFFECTS.values())
