"""The harness of skipped time: months of a customer, decided at their exact instants by the real workflow and store."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from perennia.core.decisions import Act, EffectEnded, Outcome, SendEmail
from perennia.store.port import Store
from tests.support.installation import arrival, event, publish
from tests.support.time_skipping import SkippedTime, skipped_time, time_skipping_server

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping_server() as environment:
        yield environment


async def released(skipped: SkippedTime, who: str) -> list[tuple[datetime, str | None]]:
    journal = await skipped.store.journal(await skipped.store.find(who))
    return sorted((row.entry.at, row.entry.step) for row in journal if row.entry.act == Act.RELEASED)


async def test_a_wait_of_a_month_ends_at_its_very_instant(environment: WorkflowEnvironment, store: Store) -> None:
    async with skipped_time(environment, store, START, f"skipped-{uuid.uuid4().hex}") as skipped:
        await skipped.accept(*arrival("ana", "Contract Signed", START))
        await skipped.advance_to(START + timedelta(days=3))
        await skipped.accept(event("ana", "Page Viewed", START + timedelta(days=3)))
        await skipped.finish(START + timedelta(days=60))

        assert await released(skipped, "ana") == [(START + timedelta(days=30), "thanks")]


async def test_what_is_due_at_the_last_instant_happens(environment: WorkflowEnvironment, store: Store) -> None:
    async with skipped_time(environment, store, START, f"skipped-{uuid.uuid4().hex}") as skipped:
        await skipped.accept(*arrival("ana", "Contract Signed", START))
        await skipped.advance_to(START + timedelta(days=30))
        assert await released(skipped, "ana") == []

        await skipped.finish(START + timedelta(days=30))

        assert await released(skipped, "ana") == [(START + timedelta(days=30), "thanks")]


async def test_a_provider_that_fails_twice_is_tried_at_one_and_three_seconds(
    environment: WorkflowEnvironment, store: Store
) -> None:
    tries: list[datetime] = []

    def third_time_lucky(effect: SendEmail, at: datetime) -> EffectEnded | None:
        tries.append(at)
        return EffectEnded(at=at, key=effect.key, outcome=Outcome.SENT) if len(tries) == 3 else None

    queue = f"skipped-{uuid.uuid4().hex}"
    async with skipped_time(environment, store, START, queue, third_time_lucky) as skipped:
        await skipped.accept(*arrival("ana", "Account Created", START))
        await skipped.finish(START + timedelta(days=1))

        assert tries == [START, START + timedelta(seconds=1), START + timedelta(seconds=3)]
        assert len(skipped.messages.sent) == 1


@pytest.mark.slow
async def test_sixty_waits_of_a_day_end_at_sixty_exact_instants(
    environment: WorkflowEnvironment, store: Store, tmp_path: Path
) -> None:
    steps = "\n".join(
        f"  - wait: 1d\n  - {{id: mail-{day}, email: hello, transactional: true}}" for day in range(1, 61)
    )
    playbook = f"playbook: daily\nenter: {{on: [{{event: Subscribed}}]}}\nsteps:\n{steps}\n"
    template = "---\nsubject: Hello\n---\nHello\n"
    files = {"playbooks/daily.yaml": playbook, "templates/hello.md": template}
    await publish(store, tmp_path / "daily", START, files)
    async with skipped_time(environment, store, START, f"skipped-{uuid.uuid4().hex}") as skipped:
        await skipped.accept(*arrival("ana", "Subscribed", START))
        await skipped.finish(START + timedelta(days=61))

        expected = [(START + timedelta(days=day), f"mail-{day}") for day in range(1, 61)]
        assert await released(skipped, "ana") == expected
