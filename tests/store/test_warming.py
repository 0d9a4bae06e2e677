"""Places at providers that are warming up: never one more than the day's maximum, whoever takes them."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import msgspec
import pytest

from perennia.core.decisions import Act, EffectEnded, JournalEntry, Outcome, Reason
from perennia.store import SqlStore
from perennia.store.records import Sending, SendStatus
from perennia.store.warming_records import Place
from tests.support.posts import AT, email, later, take_turn, traits, write

DAY = "2026-03-02"
HELD = JournalEntry(at=AT, act=Act.HELD, code=Reason.WARM_UP, playbook="welcome", step="hello")


async def opened(store: SqlStore, count: int) -> list[str]:
    """So many open messages of one customer, by their keys."""
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    effects = [msgspec.structs.replace(email(ann), key=f"k{n}") for n in range(count)]
    await store.turn(ann, lambda snapshot: write(snapshot, *effects))
    return [effect.key for effect in effects]


async def claim(store: SqlStore, key: str, *places: Place) -> Sending:
    return await store.claim_message(key, AT, lambda _: places)


async def used(store: SqlStore) -> dict[str, int]:
    return (await store.day_of_places(DAY, AT)).used


async def row_of(store: SqlStore, key: str) -> tuple[str, str | None]:
    message = next(each for each in await store.messages() if each.key == key)
    return message.status, message.provider


def place(provider: str, maximum: int | None) -> Place:
    return Place(provider, DAY, maximum)


async def end(store: SqlStore, key: str, status: SendStatus, outcome: Outcome, provider: str) -> None:
    await store.end_message(key, status, EffectEnded(at=AT, key=key, outcome=outcome), provider, None)


async def test_the_last_place_is_the_last(store: SqlStore) -> None:
    keys = await opened(store, 3)
    claims = [await claim(store, key, place("fake", 2)) for key in keys]
    assert [each.full for each in claims] == [False, False, True]
    assert (await used(store), await row_of(store, "k2")) == ({"fake": 2}, ("reserved", None))


async def test_two_processes_take_as_many_places_as_there_are(store: SqlStore, database: str) -> None:
    keys = await opened(store, 40)
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.claiming_process", database, "25", *some),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for some in (keys[:20], keys[20:])
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    taken = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert sum(int(out) for out, _ in taken) == 25
    assert await used(store) == {"fake": 25}


async def test_claims_at_once_take_as_many_places_as_there_are(store: SqlStore, neighbour: SqlStore) -> None:
    keys = await opened(store, 12)
    both, other = [place("a", 3), place("b", 4)], [place("b", 4), place("a", 3)]
    claims = await asyncio.gather(
        *(claim(store, key, *both) for key in keys[:6]), *(claim(neighbour, key, *other) for key in keys[6:])
    )
    assert sum(not each.full for each in claims) == 7
    assert await used(store) == {"a": 3, "b": 4}


async def test_the_next_provider_of_the_route_takes_what_the_first_has_no_place_for(store: SqlStore) -> None:
    first, second = await opened(store, 2)
    await claim(store, first, place("new", 1), place("old", None))
    assert (await claim(store, second, place("new", 1), place("old", None))).provider == "old"
    assert (await row_of(store, first), await row_of(store, second)) == (("sending", "new"), ("sending", "old"))


async def test_a_message_that_is_tried_again_gives_its_place_back(store: SqlStore) -> None:
    (key,) = await opened(store, 1)
    await claim(store, key, place("fake", 1))
    await store.release_message(key)
    await store.release_message(key)
    assert await used(store) == {"fake": 0}


@pytest.mark.parametrize(
    ("status", "outcome", "left"),
    [
        (SendStatus.SENT, Outcome.SENT, 1),
        (SendStatus.UNKNOWN, Outcome.SENT, 1),
        (SendStatus.SKIPPED, Outcome.SKIPPED, 0),
        (SendStatus.FAILED, Outcome.FAILED, 0),
    ],
)
async def test_a_place_stays_taken_where_the_message_may_have_left(
    store: SqlStore, status: SendStatus, outcome: Outcome, left: int
) -> None:
    (key,) = await opened(store, 1)
    await claim(store, key, place("fake", 1))
    await end(store, key, status, outcome, "fake")
    await end(store, key, status, outcome, "fake")
    assert await used(store) == {"fake": left}


async def test_who_passes_a_message_on_gives_its_place_back(store: SqlStore) -> None:
    (key,) = await opened(store, 1)
    await claim(store, key, place("new", 1))
    assert await store.pass_on(key, [place("spare", 1)]) == "spare"
    assert (await used(store), await row_of(store, key)) == ({"new": 0, "spare": 1}, ("sending", "spare"))


async def test_a_message_that_is_not_under_way_is_passed_on_to_nobody(store: SqlStore) -> None:
    (key,) = await opened(store, 1)
    assert await store.pass_on(key, [place("spare", 1)]) is None
    assert await used(store) == {}


async def test_a_message_that_waits_is_told_to_turns_and_to_the_team(store: SqlStore) -> None:
    (key,) = await opened(store, 1)
    await store.keep_waiting(key, later(hours=15), HELD)
    assert (await take_turn(store, "ann")).waits == {key: later(hours=15)}
    assert [each.waits_until for each in await store.messages()] == [later(hours=15)]
    today = await store.day_of_places(DAY, AT)
    assert (today.waiting, today.next_at) == (1, later(hours=15))
    assert [row.entry for row in await store.journal(await store.find("ann"))] == [HELD]


async def test_the_sweep_leaves_alone_who_only_waits_for_a_place(store: SqlStore) -> None:
    (key,) = await opened(store, 1)
    await store.keep_waiting(key, later(hours=15), HELD)
    hour = timedelta(hours=1)
    assert await store.forgotten(later(hours=14), hour, 10) == []
    assert await store.forgotten(later(hours=17), hour, 10) == [await store.find("ann")]


async def test_a_place_costs_one_statement_more(store: SqlStore) -> None:
    first, second = await opened(store, 2)
    await claim(store, first, place("fake", 9))
    store.statements.by_act.clear()
    await claim(store, second, place("fake", 9))
    assert store.statements.by_act == {"claim_message": 3}
