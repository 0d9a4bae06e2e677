"""Broadcasts against both databases: everybody in the audience once, in their own turn, and nobody after a pause or a cancel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from temporalio.testing import ActivityEnvironment

from activities.broadcast_watch import BroadcastWatch
from activities.broadcasts import StoreBroadcasting
from activities.contracts import BroadcastReply, BroadcastRequest, TurnRequest
from activities.turns import StoreTurns
from perennia.audience_pages import Looking, look_at
from perennia.core.broadcasts import Broadcast, Status, begins_at, book_of
from perennia.core.decisions import EffectEnded, Outcome
from perennia.core.fates import Fate, fates, prepared
from perennia.providers.notices import Channels
from perennia.store import SqlStore
from perennia.store.broadcast_records import StoredBroadcast
from perennia.store.records import SendStatus
from tests.support.installation import event, traits
from tests.support.lives import documents
from tests.support.stored_lives import StoredLives

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = """
policies: default
topics: {news: {kind: opt_out, name: News}}
---
segment: pros
when: traits.plan == "pro"
"""


class Bulk:
    """One broadcast, gone on with by hand; messages leave when `deliver` is called."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.lives = StoredLives(store, START)
        self.clock = self.lives.clock
        self.turns = StoreTurns(store, self.clock)
        self.broadcasting = StoreBroadcasting(store, self.clock, lambda _: None)

    async def publish(self, text: str = TEXT) -> None:
        await self.lives.publish(documents(text))

    async def people(self, *names: str, **told: str) -> None:
        await self.lives.happen(
            self.clock.instant,
            *(traits(name, self.clock.instant, plan="pro", email=f"{name}@example.com", **told) for name in names),
        )

    async def start(self, **more: object) -> None:
        said = {"broadcast": "spring", "segments": ["pros"], "email": "hello", "topic": "news", **more}
        broadcast = Broadcast.model_validate(said)
        book = None if broadcast.playbook else book_of(broadcast, {"hello": "v1"})
        now = self.clock.instant
        made = StoredBroadcast(
            id="spring",
            body=broadcast.model_dump_json(by_alias=True, exclude_defaults=True),
            status="draft",
            book=broadcast.book,
            version=None if book is None else book.version,
            created_at=now,
            created_by="sam",
            changed_at=now,
            changed_by="sam",
        )
        assert await self.store.create_broadcast(made, book)
        starts_at = begins_at(broadcast, now, ZoneInfo("UTC"))
        assert await self.store.move_broadcast("spring", ["draft"], "scheduled", now, "sam", starts_at=starts_at)

    async def go_on(self, occasion: str = "broadcast-spring") -> BroadcastReply:
        return await ActivityEnvironment().run(self.broadcasting.go_on, BroadcastRequest("spring", occasion))

    async def move(self, before: Status, after: Status) -> None:
        assert await self.store.move_broadcast("spring", [before], after, self.clock.instant, "sam")

    async def turn(self) -> list[str]:
        """Everybody who is rung takes a turn. Returns the keys of what may leave."""
        keys: list[str] = []
        while rung := await self.store.rung(100):
            for customer in rung:
                reply = await ActivityEnvironment().run(self.turns.take, TurnRequest(customer))
                keys += [effect.key for effect in reply.effects]
        return keys

    async def deliver(self, keys: list[str]) -> list[str]:
        """Sends what may still leave; the rest stays."""
        left: list[str] = []
        for key in keys:
            sending = await self.store.claim_message(key, self.clock.instant)
            if sending.effect is not None and not sending.paused:
                ended = EffectEnded(at=self.clock.instant, key=key, outcome=Outcome.SENT)
                await self.store.end_message(key, SendStatus.SENT, ended, "test", None)
                left.append(key)
        for message in await self.store.messages():
            await ActivityEnvironment().run(self.turns.take, TurnRequest(message.customer))
        return left

    async def sent_to(self) -> list[str]:
        sent = [each for each in await self.store.messages() if each.status is SendStatus.SENT]
        return sorted([(await self.store.customer(each.customer))[0].external_id for each in sent])


@pytest.fixture
async def bulk(store: SqlStore) -> Bulk:
    bulk = Bulk(store)
    await bulk.publish()
    return bulk


async def test_everybody_in_the_audience_gets_it_once_also_where_a_page_is_asked_for_twice(bulk: Bulk) -> None:
    await bulk.people("ana", "bo", "cy")
    await bulk.lives.happen(START, traits("di", START, plan="free", email="di@example.com"))
    await bulk.start()

    first = await bulk.go_on()
    again = await bulk.go_on()
    await bulk.deliver(await bulk.turn())

    assert (first.entered, first.over, again.entered, again.over) == (3, True, 0, True)
    assert await bulk.sent_to() == ["ana", "bo", "cy"]
    found = await bulk.store.outcomes("broadcast:spring")
    assert (found.ordered, found.entered, found.sent, found.in_flight) == (3, 3, 3, 0)


async def test_it_goes_on_behind_the_last_one_at_its_rate(bulk: Bulk) -> None:
    await bulk.people(*(f"c{n}" for n in range(5)))
    await bulk.start(rate=2)

    replies = [await bulk.go_on() for _ in range(3)]

    assert [(each.entered, each.wait_ms, each.over) for each in replies] == [
        (2, 1000, False),
        (2, 1000, False),
        (1, 500, True),
    ]


async def test_it_enters_no_more_than_its_daily_cap_and_goes_on_at_midnight(bulk: Bulk) -> None:
    await bulk.people("ana", "bo", "cy")
    await bulk.start(per_day=2)

    first, full = await bulk.go_on(), await bulk.go_on()
    bulk.clock.instant = START + timedelta(hours=15)
    next_day = await bulk.go_on()

    assert (first.entered, full.entered, full.wait_ms, next_day.entered) == (2, 0, 15 * 3600 * 1000, 1)


async def test_who_says_no_before_their_turn_is_left_out(bulk: Bulk) -> None:
    await bulk.people("ana", "bo")
    await bulk.start()
    await bulk.go_on()
    await bulk.store.unsubscribe(await bulk.store.find("bo"), "news", START, "test")

    await bulk.deliver(await bulk.turn())

    assert await bulk.sent_to() == ["ana"]
    assert (await bulk.store.outcomes("broadcast:spring")).skipped == {"unsubscribed_topic": 1}


async def test_a_pause_keeps_back_what_is_on_its_way_until_it_is_over(bulk: Bulk) -> None:
    await bulk.people("ana")
    await bulk.start()
    await bulk.go_on()
    keys = await bulk.turn()
    await bulk.move("running", "paused")

    kept = await bulk.deliver(keys)
    held = await bulk.turn()
    await bulk.move("paused", "running")
    released = await bulk.turn()

    assert (kept, held, released) == ([], [], keys)
    assert await bulk.deliver(released) == keys


async def test_a_pause_enters_nobody_more(bulk: Bulk) -> None:
    await bulk.people("ana", "bo")
    await bulk.start(rate=1)
    await bulk.go_on()
    await bulk.move("running", "paused")

    reply = await bulk.go_on()

    assert (reply.entered, reply.over) == (0, True)


async def test_a_cancel_ends_what_has_not_left_and_what_nobody_has_read_yet(bulk: Bulk) -> None:
    await bulk.people("ana", "bo", "cy")
    await bulk.start(rate=1)
    await bulk.go_on()
    keys = await bulk.turn()
    await bulk.go_on()
    await bulk.move("running", "cancelling")

    reply = await bulk.go_on()
    later = await bulk.turn()

    assert (reply.over, await bulk.deliver([*keys, *later]), await bulk.sent_to()) == (True, [], [])
    stored = await bulk.store.broadcast("spring")
    assert stored is not None
    assert stored.status == "cancelled"


async def test_it_survives_a_publish_and_enters_nobody_through_it(bulk: Bulk) -> None:
    await bulk.people("ana", "bo")
    await bulk.start(rate=1)
    await bulk.go_on()
    await bulk.publish(TEXT + "---\nsegment: others\nwhen: traits.plan == 'free'\n")
    await bulk.go_on()
    await bulk.people("late")

    await bulk.deliver(await bulk.turn())

    assert await bulk.sent_to() == ["ana", "bo"]


async def test_a_worker_that_loaded_the_catalog_before_learns_of_it(bulk: Bulk) -> None:
    await bulk.people("ana")
    neighbour = StoreTurns(bulk.store, bulk.clock)
    ana = await bulk.store.find("ana")
    await ActivityEnvironment().run(neighbour.take, TurnRequest(ana))
    await bulk.start()
    await bulk.go_on()

    reply = await ActivityEnvironment().run(neighbour.take, TurnRequest(ana))

    assert [effect.fairness for effect in reply.effects] == ["broadcast:spring"]


async def test_each_waits_for_the_time_on_their_own_clock(bulk: Bulk) -> None:
    await bulk.people("ana", timezone="Europe/Madrid")
    await bulk.people("tomo", timezone="Asia/Tokyo")
    await bulk.start(at="2026-03-03T09:00", zone="customer")

    early = await bulk.go_on()
    bulk.clock.instant = datetime(2026, 3, 2, 18, tzinfo=UTC)
    await bulk.go_on()
    await bulk.turn()

    assert early.wait_ms == 9 * 3600 * 1000
    wakes = {each.external_id: each.wake_at for each in await bulk.store.customers()}
    assert wakes == {
        "ana": datetime(2026, 3, 3, 8, tzinfo=UTC),
        "tomo": datetime(2026, 3, 3, 0, tzinfo=UTC),
    }


async def test_whose_time_is_over_is_left_out_where_that_is_wanted(bulk: Bulk) -> None:
    await bulk.people("ana", timezone="Europe/Madrid")
    await bulk.people("tomo", timezone="Asia/Tokyo")
    await bulk.start(at="2026-03-02T10:00", zone="customer", past="skip")

    await bulk.go_on()

    stored = await bulk.store.broadcast("spring")
    assert stored is not None
    assert stored.run is not None
    assert (stored.run.entered, stored.run.left_out) == (1, {"expired": 1})


async def test_a_recurring_one_reaches_whoever_is_in_the_audience_at_each_occasion(bulk: Bulk) -> None:
    await bulk.people("ana")
    await bulk.start(every="0 9 * * mon")
    await bulk.go_on("first")
    await bulk.deliver(await bulk.turn())
    bulk.clock.instant = START + timedelta(days=7)
    await bulk.people("bo")

    await bulk.go_on("second")
    await bulk.deliver(await bulk.turn())

    assert await bulk.sent_to() == ["ana", "ana", "bo"]


async def test_a_playbook_is_entered_by_its_own_rules(bulk: Bulk) -> None:
    book = '---\nplaybook: tour\ntopic: news\nenter: {where: traits.team == "a"}\nsteps: [{email: hello}]\n'
    await bulk.publish(TEXT + book)
    await bulk.people("ana", team="a")
    await bulk.people("bo", team="b")
    await bulk.start(playbook="tour", email=None, topic=None)

    await bulk.go_on()
    await bulk.deliver(await bulk.turn())

    assert await bulk.sent_to() == ["ana"]


async def test_a_pause_of_a_playbook_keeps_new_ones_out_and_holds_nobody_inside(bulk: Bulk) -> None:
    await bulk.publish(TEXT + "---\nplaybook: tour\ntopic: news\nenter: {}\nsteps: [{email: hello}]\n")
    await bulk.people("ana", "bo")
    await bulk.start(playbook="tour", email=None, topic=None, rate=1)
    await bulk.go_on()
    keys = await bulk.turn()
    await bulk.move("running", "paused")

    assert (await bulk.go_on()).over
    await bulk.deliver(keys)
    assert len(await bulk.sent_to()) == 1


async def test_its_variants_are_compared_by_who_reaches_the_goal(bulk: Bulk) -> None:
    people = [f"person-{number}" for number in range(8)]
    await bulk.people(*people)
    await bulk.start(
        variants={"a": {"share": 50}, "b": {"share": 50}}, goal={"event": "Bought", "within": "7d"}, holdout="30%"
    )
    await bulk.go_on()
    await bulk.deliver(await bulk.turn())
    await bulk.lives.happen(START, *(event(name, "Bought", START) for name in people))
    await bulk.turn()

    (version,) = await bulk.store.trial_versions("broadcast:spring")
    counts = await bulk.store.trial_counts("broadcast:spring", [version.version], START)
    assert {(each.held_out, each.variants.get("variant")): (each.customers, each.converted) for each in counts} == {
        (False, "a"): (1, 1),
        (False, "b"): (5, 5),
        (True, None): (2, 2),
    }


async def test_it_pauses_itself_where_too_much_fails_and_is_over_when_nobody_waits(bulk: Bulk) -> None:
    await bulk.people("ana", "bo")
    await bulk.start(stop_at={"failures": "50%", "at_least": 2})
    await bulk.go_on()
    watch = BroadcastWatch(bulk.store, Channels({}), bulk.clock)
    keys = await bulk.turn()
    for key in keys:
        await bulk.store.claim_message(key, START)
        ended = EffectEnded(at=START, key=key, outcome=Outcome.FAILED, reason="provider_refused")
        await bulk.store.end_message(key, SendStatus.FAILED, ended, "test", None)
    await bulk.deliver([])
    await watch.look()

    paused = await bulk.store.broadcast("spring")
    assert paused is not None
    assert (paused.status, paused.why) == ("paused", "2 failures of 2 messages (limit 50%)")


async def test_it_is_done_when_everybody_has_got_it(bulk: Bulk) -> None:
    await bulk.people("ana")
    await bulk.start()
    await bulk.go_on()
    watch = BroadcastWatch(bulk.store, Channels({}), bulk.clock)
    await watch.look()
    before = await bulk.store.broadcast("spring")
    await bulk.deliver(await bulk.turn())
    await watch.look()
    after = await bulk.store.broadcast("spring")

    assert before is not None
    assert after is not None
    assert (before.status, after.status) == ("running", "done")


async def test_a_dry_run_says_what_each_turn_would_decide_and_changes_nothing(bulk: Bulk) -> None:
    await bulk.people("ana", "bo")
    await bulk.lives.happen(START, traits("cy", START, plan="pro"))
    await bulk.store.unsubscribe(await bulk.store.find("bo"), "news", START, "test")
    broadcast = Broadcast(broadcast="spring", segments=("pros",), email="hello", topic="news")
    book = book_of(broadcast, {"hello": "v1"})
    look = prepared(await look_at(bulk.store, broadcast.asked, START), book)

    page = await Looking(bulk.store, look, permissions=True).page()

    assert fates(look, broadcast, book.version, page.members) == {
        Fate("sent"): 1,
        Fate("skipped", "unsubscribed_topic"): 1,
        Fate("skipped", "missing_address"): 1,
    }
    assert await bulk.store.messages() == []
