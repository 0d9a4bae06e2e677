"""What is older than it is kept goes, and nothing that anything still needs."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from activities.retention import Retention
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import Act, CustomerEvent, EffectEnded, JournalEntry, Outcome
from perennia.core.documents import PlaybookBody
from perennia.core.looking_back import looked_back
from perennia.core.retention import Kept, RetentionError, parse_retention
from perennia.store import SqlStore
from perennia.store.records import Rejected, SendStatus, TurnSnapshot, TurnWrite
from tests.support.posts import AT, document, email, enrolled, event, later, settle, take_turn, write
from tests.support.time_skipping import ManualClock

YEAR = timedelta(days=365)


def deleting(store: SqlStore, *kinds: Kept, day: int) -> Retention:
    return Retention(store, ManualClock(later(days=day)), dict.fromkeys(kinds, YEAR), page=2)


def at_day(message_id: str, who: str, name: str, day: int):
    return msgspec.structs.replace(event(message_id, who), input=CustomerEvent(at=later(days=day), name=name))


async def test_events_go_that_are_old_and_were_read(store: SqlStore) -> None:
    who = ("ann", "ben", "cid")
    await store.accept([at_day(f"{each}-{day}", each, f"Day {day}", day) for each in who for day in (0, 200)], AT)
    await settle(store, *who[:2])
    retention = deleting(store, Kept.EVENTS, day=400)

    assert await retention.count(Kept.EVENTS) == 2
    assert await retention.forget(Kept.EVENTS) == 2

    held = await store.dossier("ann")
    assert [each["name"] for each in held["events"]] == ["Day 200"]
    assert len((await take_turn(store, "cid")).inputs) == 2
    assert [(each.kind, each.rows) for each in await store.retention_runs()] == [(Kept.EVENTS, 2)]


async def test_decisions_about_whoever_is_inside_stay(store: SqlStore) -> None:
    def entry(enrollment: str | None, act: Act, day: int) -> JournalEntry:
        return JournalEntry(at=later(days=day), act=act, code="event", playbook="welcome", enrollment=enrollment)

    entries = (
        entry("welcome.1", Act.ENTERED, 0),
        entry("welcome.1", Act.ENDED, 1),
        entry("welcome.2", Act.ENTERED, 2),
        entry(None, Act.REFUSED, 3),
        entry(None, Act.REFUSED, 300),
    )

    def decide(snapshot: TurnSnapshot) -> TurnWrite:
        return msgspec.structs.replace(write(snapshot), journal=entries)

    await store.accept([event("m1", "ann")], AT)
    ann = await store.find("ann")
    await store.turn(ann, decide)

    assert await deleting(store, Kept.DECISIONS, day=400).forget(Kept.DECISIONS) == 3

    assert [row.entry for row in await store.journal(ann)] == [entries[2], entries[4]]
    assert (await store.totals()).enrollments == {"welcome": {"active": 1}}


async def test_messages_go_with_their_texts_once_they_have_ended(store: SqlStore) -> None:
    await store.accept([event("m1", "ann"), event("m2", "ben")], AT)
    for who in ("ann", "ben"):
        sent = email(await store.find(who))
        await store.turn(sent.key.split("/")[0], lambda s, sent=sent: write(s, sent, state=enrolled(s)))
    ann = email(await store.find("ann"))
    await store.claim_message(ann.key, AT)
    await store.end_message(
        ann.key, SendStatus.SENT, EffectEnded(at=AT, key=ann.key, outcome=Outcome.SENT), "smtp", None
    )
    await store.turn(ann.key.split("/")[0], lambda s: write(s, closed=(ann.key,)))

    assert await deleting(store, Kept.MESSAGES, day=400).forget(Kept.MESSAGES) == 1

    assert [each.status for each in await store.messages()] == [SendStatus.RESERVED]
    assert "effects" not in await store.dossier("ann")


async def test_more_than_a_page_goes_page_by_page(store: SqlStore) -> None:
    await store.accept([Rejected(at=AT, reason="bad", raw=f"{n}") for n in range(5)], AT)

    assert await deleting(store, Kept.UNCLAIMED, day=400).forget(Kept.UNCLAIMED) == 5


async def test_one_of_several_workers_looks_once_a_day(store: SqlStore, neighbour: SqlStore) -> None:
    day = timedelta(days=1)
    asked = [
        await each.claim_retention(Kept.AUDIT, later(hours=hour), day) for hour in (0, 5) for each in (store, neighbour)
    ]
    assert asked == [True, False, False, False]
    assert await neighbour.claim_retention(Kept.AUDIT, later(hours=24), day)


def test_what_a_published_window_looks_at_is_kept_longer_than_was_said() -> None:
    enter = {"on": [{"when": 'count("Logged In", "390d") > 3'}]}
    definition: dict[str, object] = {"playbook": "p", "enter": enter, "steps": [{"wait": "1d"}]}
    book = msgspec.json.encode(PlaybookBody(definition=definition, templates={})).decode()
    catalog = compile_catalog("r1", [document("p", book)])
    assert looked_back(catalog)[Kept.EVENTS] == timedelta(days=390)
    assert looked_back(catalog)[Kept.MESSAGES] == timedelta(days=7)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"letters": "90d"}, "letters is nothing that is kept by itself; write one of events, decisions"),
        ({"events": "1d"}, "events: 1d is no period of at least 7 days; write for example 400d"),
        ({"events": "soon"}, 'events: "soon" is no span'),
    ],
)
def test_a_period_that_is_none_is_refused(told: dict[str, str], said: str) -> None:
    with pytest.raises(RetentionError, match=said):
        parse_retention(told)
