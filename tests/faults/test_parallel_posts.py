"""A sender that repeats itself: the same event several times at the same moment, over HTTP, into a whole installation."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.crowd import Crowd, batch
from tests.faults.two_letters import entered, make_workspace, received, undone
from tests.support.temporal_runs import until
from tests.support.up_process import perennia_up

CUSTOMERS = [f"customer-{number}" for number in range(10)]
TIMES = 4


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_the_same_event_posted_four_times_in_parallel_is_one_enrollment_with_one_message_a_step(
    tmp_path: Path,
) -> None:
    async with perennia_up(make_workspace(tmp_path / "workspace"), tmp_path / "data") as up:
        async with Crowd(up.run.api, up.run.write_key).client() as client:
            posts = (client.post("/v1/batch", json=batch(who, "Signed Up")) for who in CUSTOMERS for _ in range(TIMES))
            answers = await asyncio.gather(*posts)
        assert Counter(answer.status_code for answer in answers) == {200: 40}
        await until(lambda: not undone(up), within=120)

        assert entered(up) == Counter(CUSTOMERS)
        assert await received(up.data / "inbox") == Counter(
            (who, step) for who in CUSTOMERS for step in ("tip", "receipt")
        )
