"""Mail that people complain of stops by itself, the team hears of it once, and nothing is lost when somebody lets it go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from temporalio.exceptions import ApplicationError

from activities.reputation import ReputationWatch
from perennia.api.app import create_app
from perennia.ingest.segment import Record
from perennia.providers.failures import ProviderFailure, Unavailable
from perennia.providers.notices import Channels, Notice
from perennia.store.port import Store
from perennia.store.records import MessageReport
from tests.sending.conftest import LINKS, POLICIES, START, Office, ToldProvider
from tests.support.api_world import ADMIN, HeardBells
from tests.support.installation import event, traits
from tests.support.time_skipping import ManualClock

LIMITS = """
        channels: {ops: {}}
        sending_limits: {at_least: 2, complaints: 40%, bounces: 90%, tell: ops}
        """


@pytest.fixture
def policies() -> str:
    return POLICIES.rstrip() + LIMITS


@dataclass
class OpsChannel:
    """Keeps what it is told, unless ``failures`` has something to raise."""

    name: str = "ops"
    failures: list[ProviderFailure] = field(default_factory=list[ProviderFailure])
    notices: list[Notice] = field(default_factory=list[Notice])

    async def post(self, notice: Notice) -> str | None:
        if self.failures:
            raise self.failures.pop()
        self.notices.append(notice)
        return None

    async def close(self) -> None:
        pass


@dataclass
class Outpost:
    """Two contacts got a tip, the watch looks on, and the API is there for whoever decides."""

    office: Office
    channel: OpsChannel
    watch: ReputationWatch
    api: httpx.AsyncClient

    async def signs_up(self, who: str) -> Office:
        """A contact whom a tip is released for."""
        office, at = self.office, self.office.clock.instant
        items: list[Record] = [traits(who, at, email=f"{who}@example.com", first_name=who), event(who, "Signed Up", at)]
        await office.store.accept(items, at)
        return Office(office.store, office.clock, office.provider, await office.store.find(who))

    async def complains(self, office: Office) -> None:
        key = (await office.row()).key
        reference = office.provider.asked[-1].reference
        report = MessageReport(
            id=key, provider="told", what="complained", reference=reference, address="a@example.com", raw="{}"
        )
        assert await office.store.hear_report(report, office.clock.instant)

    async def asks(self, path: str, **body: str) -> httpx.Response:
        return await self.api.post(f"/api/v1/sending/{path}", json=body, headers=ADMIN)


@pytest.fixture
async def outpost(store: Store) -> AsyncIterator[Outpost]:
    clock, channel = ManualClock(START), OpsChannel()
    office = Office(store, clock, ToldProvider())
    watch = ReputationWatch(store, Channels({"ops": channel}), clock)
    app = create_app(store=store, bells=HeardBells(), clock=clock, links=LINKS, write_keys=["w"], admin_key="admin-key")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as api:
        outpost = Outpost(office, channel, watch, api)
        for who in ("bo", "cy"):
            one = await outpost.signs_up(who)
            (key,) = await one.turn()
            await one.send(key)
        clock.instant += timedelta(minutes=1)
        await watch.look()
        assert channel.notices == []
        await outpost.complains(one)
        clock.instant += timedelta(minutes=1)
        yield outpost


async def test_over_the_limit_the_topic_and_its_sender_are_stopped_and_the_team_is_told_of_each(
    outpost: Outpost,
) -> None:
    await outpost.watch.look()
    assert {(each.rate.kind, each.rate.name, each.level) for each in await outpost.office.store.reputations()} == {
        ("topic", "tips", "stopped"),
        ("sender", "hello", "stopped"),
    }
    (first, second) = outpost.channel.notices
    assert "perennia sending resume sender hello" in first.text
    assert (
        "Mail of the topic tips is stopped: 1 complaints (50.00%, limit 40%) and 0 hard bounces (0.00%, limit 90%) "
        "of 2 messages in 7d." in second.text
    )


async def test_the_team_is_told_once(outpost: Outpost) -> None:
    await outpost.watch.look()
    outpost.office.clock.instant += timedelta(hours=2)
    await outpost.watch.look()
    assert len(outpost.channel.notices) == 2


async def test_what_could_not_be_told_is_told_later(outpost: Outpost) -> None:
    outpost.channel.failures += [Unavailable("away"), Unavailable("away")]
    await outpost.watch.look()
    assert outpost.channel.notices == []
    outpost.office.clock.instant += timedelta(minutes=6)
    await outpost.watch.look()
    assert len(outpost.channel.notices) == 2


async def test_what_a_process_stopped_before_it_died_is_told_by_the_next(outpost: Outpost) -> None:
    outpost.channel.failures += [Unavailable("away"), Unavailable("away")]
    await outpost.watch.look()
    await ReputationWatch(outpost.office.store, Channels({"ops": outpost.channel}), outpost.office.clock).look()
    assert len(outpost.channel.notices) == 2


async def test_a_turn_offers_no_mail_that_is_stopped_until_somebody_lets_it_go(outpost: Outpost) -> None:
    await outpost.watch.look()
    di = await outpost.signs_up("di")
    assert await di.turn() == []
    for path in ("topic/tips/resume", "sender/hello/resume"):
        assert (await outpost.asks(path, by="sam")).json()["level"] == "good"
    (key,) = await di.turn()
    await di.send(key)
    assert (await di.row()).status == "sent"


async def test_mail_that_was_on_its_way_to_the_provider_comes_back_unharmed(outpost: Outpost) -> None:
    di = await outpost.signs_up("di")
    (key,) = await di.turn()
    await outpost.watch.look()
    with pytest.raises(ApplicationError, match="sending_stopped") as held:
        await di.send(key)
    assert held.value.non_retryable
    assert (await di.row()).status == "reserved"


async def test_somebody_may_stop_a_topic_by_hand_and_the_channel_is_not_told(outpost: Outpost) -> None:
    answer = await outpost.asks("topic/tips/stop", by="sam")
    assert (answer.json()["level"], answer.json()["by"]) == ("stopped", "sam")
    await outpost.watch.look()
    (only,) = outpost.channel.notices
    assert "sender hello" in only.text


async def test_a_topic_that_the_policies_do_not_have_cannot_be_stopped(outpost: Outpost) -> None:
    answer = await outpost.asks("topic/tpis/stop", by="sam")
    assert answer.status_code == 404
    assert "did you mean" in answer.text


async def test_all_that_sends_is_listed_with_its_numbers(outpost: Outpost) -> None:
    answer = await outpost.api.get("/api/v1/sending", headers=ADMIN)
    assert [
        (each["kind"], each["name"], each["sent"], each["complained"], each["level"]) for each in answer.json()
    ] == [
        ("sender", "hello", 2, 1, "good"),
        ("topic", "tips", 2, 1, "good"),
    ]
