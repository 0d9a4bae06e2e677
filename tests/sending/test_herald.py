"""What happens is posted to other systems: signed, again until it is taken, and no more to those that are gone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from activities.herald import Herald
from perennia.providers.notices import Channels, Notice
from perennia.store import SqlStore, open_store
from perennia.store.outbound_records import Endpoint
from perennia.store.permission_records import ConsentSaid
from tests.sending.conftest import START
from tests.support.node_modules import installed, needs_node
from tests.support.posts import event
from tests.support.receiver import Receiver, local_http, receiving
from tests.support.time_skipping import ManualClock

OLD = f"whsec_{b64encode(b'o' * 32).decode()}"
NEW = f"whsec_{b64encode(b'n' * 32).decode()}"
NODE = Path(__file__).parent / "node"


@dataclass
class Ops:
    name: str = "ops"
    notices: list[Notice] = field(default_factory=list[Notice])

    async def post(self, notice: Notice) -> str | None:
        self.notices.append(notice)
        return None

    async def close(self) -> None:
        pass


@dataclass
class Post:
    """A store with one endpoint, which is our receiver; and a herald whose clock is ours."""

    store: SqlStore
    clock: ManualClock
    receiver: Receiver
    ops: Ops
    herald: Herald

    async def happens(self, topic: str = "tips", *, given: bool = True) -> None:
        """Ana says what she thinks of a topic."""
        said = ConsentSaid(topic=topic, given=given, at=self.clock.instant, source="form", proven=True)
        await self.store.say_consent(await self.store.find("ana"), said)

    async def attempts(self, *spans: timedelta) -> list[int]:
        """How many requests are made at once, and after each further span."""
        counts: list[int] = []
        for span in (timedelta(0), *spans):
            self.clock.instant += span
            before = len(self.receiver.received)
            while await self.herald.post_due():
                pass
            counts.append(len(self.receiver.received) - before)
        return counts

    async def endpoint(self) -> Endpoint:
        found = await self.store.endpoint("ep_1")
        assert found is not None
        return found

    def payload(self, secret: str = OLD, index: int = -1) -> dict[str, Any]:
        received = self.receiver.received[index]
        return Webhook(secret).verify(received.content, dict(received.headers))


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    store, clock, ops = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}"), ManualClock(START), Ops()
    await store.migrate()
    await store.accept([event("m1", "ana")], START)
    async with receiving() as receiver:
        endpoint = Endpoint(
            id="ep_1", url=receiver.url, name="", types=(), tell="ops", created_at=START, created_by="kim"
        )
        await store.add_endpoint(endpoint, OLD)
        yield Post(store, clock, receiver, ops, Herald(store, local_http(), Channels({"ops": ops}), clock))
    await store.close()


async def test_what_happens_is_posted_with_a_signature_that_the_official_library_verifies(post: Post) -> None:
    await post.happens()
    assert await post.attempts() == [1]
    payload = post.payload()
    assert (payload["type"], payload["version"], payload["timestamp"]) == (
        "consent.changed",
        1,
        f"{START:%Y-%m-%dT%H:%M:%S.%fZ}",
    )
    customer = {"kind": "contact", "id": "ana"}
    changed = {"topic": "tips", "given": True, "source": "form"}
    assert payload["data"] == {"event": payload["data"]["event"], "customer": customer, **changed}
    (line,) = await post.store.outbound_log("ep_1")
    assert (line.event, line.status, line.attempts, line.last_status) == (payload["data"]["event"], "delivered", 1, 200)


@needs_node
async def test_the_official_library_for_node_verifies_it_too(post: Post, pytestconfig: pytest.Config) -> None:
    await post.happens()
    await post.attempts()
    received = post.receiver.received[0]
    modules = await asyncio.to_thread(installed, pytestconfig, NODE)
    told = {"secret": OLD, "headers": dict(received.headers), "body": received.content.decode()}
    run = await asyncio.to_thread(
        subprocess.run,
        ["node", str(NODE / "verify.js")],
        input=json.dumps(told),
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == post.payload()


async def test_while_the_secret_is_exchanged_either_verifies(post: Post) -> None:
    await post.store.rotate_endpoint("ep_1", NEW, START + timedelta(hours=1))
    await post.happens()
    await post.attempts()
    assert post.payload(OLD) == post.payload(NEW)
    post.clock.instant += timedelta(hours=1)
    await post.happens(given=False)
    await post.attempts()
    assert post.payload(NEW)["data"]["given"] is False
    with pytest.raises(WebhookVerificationError):
        post.payload(OLD)


async def test_what_nobody_takes_is_posted_ten_times_in_75_hours_under_one_id(post: Post) -> None:
    post.receiver.answers = [Response(status_code=503) for _ in range(10)]
    await post.happens()
    second, minute, hour = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
    assert await post.attempts(4 * second, second, 5 * minute, 30 * minute, 2 * hour) == [1, 0, 1, 1, 1, 1]
    assert await post.attempts(5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour, 24 * hour) == [0, 1, 1, 1, 1, 1, 0]
    assert len({one.headers["webhook-id"] for one in post.receiver.received}) == 1
    (line,) = await post.store.outbound_log("ep_1")
    assert (line.status, line.attempts, line.last_error) == ("failed", 10, "HTTP 503")


async def test_the_receiver_may_say_when_to_come_again(post: Post) -> None:
    post.receiver.answers = [Response(status_code=429, headers={"Retry-After": "3600"})]
    await post.happens()
    assert await post.attempts(timedelta(minutes=59), timedelta(minutes=1)) == [1, 0, 1]


@pytest.mark.parametrize("status", [301, 400, 401, 404])
async def test_what_is_refused_may_be_taken_later(post: Post, status: int) -> None:
    post.receiver.answers = [Response(status_code=status, headers={"Location": post.receiver.url})]
    await post.happens()
    assert await post.attempts(timedelta(seconds=5)) == [1, 1]
    assert (await post.store.outbound_log("ep_1"))[0].status == "delivered"


async def test_who_is_gone_is_told_no_more_and_the_team_hears_of_it(post: Post) -> None:
    post.receiver.answers = [Response(status_code=410)]
    await post.happens()
    await post.attempts()
    assert (await post.endpoint()).disabled_why == "it answered 410 Gone"
    assert ["perennia endpoints enable ep_1" in notice.text for notice in post.ops.notices] == [True]
    await post.happens(given=False)
    assert await post.attempts(timedelta(days=3)) == [0, 0]
    await post.store.enable_endpoint("ep_1", post.clock.instant)
    assert await post.attempts() == [1]
    assert [one.status for one in await post.store.outbound_log("ep_1")] == ["delivered"]


async def test_who_takes_nothing_for_five_days_is_disabled_and_one_delivery_starts_the_count_anew(post: Post) -> None:
    day = timedelta(days=1)
    post.receiver.answers = [Response(status_code=500)]
    await post.happens()
    assert await post.attempts(4 * day) == [1, 1]
    post.receiver.answers = [Response(status_code=500) for _ in range(3)]
    await post.happens(given=False)
    assert await post.attempts(4 * day) == [1, 1]
    assert (await post.endpoint()).disabled_at is None
    assert await post.attempts(day, day) == [0, 1, 0]
    assert (await post.endpoint()).disabled_why == f"nothing was taken since {START + 4 * day:%Y-%m-%d %H:%M} UTC"


async def test_what_happened_is_posted_again_by_hand(post: Post) -> None:
    await post.happens()
    post.clock.instant += timedelta(hours=1)
    await post.happens(given=False)
    assert await post.attempts() == [2]
    now = post.clock.instant
    assert await post.store.replay("ep_1", START + timedelta(minutes=1), now + timedelta(seconds=1), None, now) == 1
    assert await post.attempts() == [1]
    assert post.payload()["data"]["given"] is False
    assert post.receiver.received[-1].headers["webhook-id"] in {
        one.headers["webhook-id"] for one in post.receiver.received[:2]
    }


async def test_a_forbidden_address_is_never_connected_to(post: Post) -> None:
    inside = Endpoint(
        id="ep_2",
        url="https://169.254.169.254/latest",
        name="",
        types=(),
        tell=None,
        created_at=START,
        created_by="kim",
    )
    await post.store.add_endpoint(inside, NEW)
    await post.store.test_endpoint("ep_2", START)
    assert await post.attempts() == [0]
    (line,) = await post.store.outbound_log("ep_2")
    assert (line.status, line.last_error) == (
        "waiting",
        "169.254.169.254 is 169.254.169.254, which is no public address",
    )
