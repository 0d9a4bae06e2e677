"""Publishing while people are in flight, over the HTTP API, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from perennia.core.decisions import Act
from perennia.core.json_values import JsonObject
from perennia.store import SqlStore
from tests.support.flight import Flight, in_flight, mode

HEAD = "playbook: welcome\ntopic: tips\nenter: {on: [{event: Go}]}\nsteps:\n"
FIRST = HEAD + "  - {id: pause, wait: 5d}\n  - {id: tip, email: tip}\n"
SHORT = FIRST.replace("5d", "1d")
LONG = FIRST.replace("5d", "9d")
RENAMED = FIRST.replace("pause", "rest")
OTHER = "playbook: other\ntopic: tips\nenter: {on: [{event: Come}]}\nsteps:\n  - {id: w, wait: 3d}\n  - {email: hi}\n"


@pytest.fixture
async def flight(store: SqlStore) -> AsyncIterator[Flight]:
    async with in_flight(store) as flight:
        yield flight


async def under_way(flight: Flight) -> None:
    """Ann and Bob stand at the wait of the first version for two days, Cid is in the other playbook, Dan in none."""
    await flight.publish(FIRST + "---\n" + OTHER)
    await flight.event("Go", "ann", "bob")
    await flight.event("Come", "cid")
    await flight.event("Look", "dan")
    await flight.pass_time(days=2)
    flight.turned.clear()


def people(plan: JsonObject, playbook: str = "welcome") -> object:
    listed = plan["playbooks"]
    assert isinstance(listed, list)
    return next(each["people"] for each in listed if isinstance(each, dict) and each["playbook"] == playbook)


def counted(**counts: object) -> dict[str, object]:
    nothing: dict[str, object] = {"stays": 0, "moves": {}, "retimed": 0, "released": 0, "ended": {}}
    return nothing | counts


# --- two people at once ---------------------------------------------------------------------------------------------


async def test_the_second_of_two_publishers_is_told_who_published_what(flight: Flight) -> None:
    first = (await flight.publish(FIRST)).json()["id"]
    second = (await flight.publish(SHORT, mode("welcome", "migrate"), by="lee")).json()["id"]

    answer = await flight.publish(LONG, expected=first)

    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"lee published revision 2 ({second}) at 2026-03-02 09:00 UTC, which change migrate welcome, playbook welcome; "
        "look at what changed (`perennia revisions`, `perennia plan`), then publish on top of it"
    )
    assert answer.json()["between"] == [{"number": 2, "by": "lee"}]


async def test_of_two_who_publish_at_the_same_moment_one_is_refused(flight: Flight) -> None:
    first = (await flight.publish(FIRST)).json()["id"]

    answers = await asyncio.gather(
        flight.publish(SHORT, expected=first, by="kim"), flight.publish(LONG, expected=first, by="lee")
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_revision_that_never_was_is_named(flight: Flight) -> None:
    await flight.publish(FIRST)
    answer = await flight.publish(SHORT, expected="nonsense")
    assert (answer.status_code, answer.json()["detail"][:32]) == (409, "there is no revision 'nonsense';")


# --- the plan -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "modes", "counts"),
    [
        (SHORT, [], counted(stays=2)),
        (SHORT, [mode("welcome", "migrate")], counted(moves={"pause -> pause": 2}, released=2)),
        (LONG, [mode("welcome", "migrate")], counted(moves={"pause -> pause": 2}, retimed=2)),
        (FIRST.replace("tip}", "tap}"), [mode("welcome", "migrate")], counted(moves={"pause -> pause": 2})),
        (RENAMED, [mode("welcome", "migrate")], counted(ended={"version_migrated": 2})),
        (RENAMED, [mode("welcome", "migrate", pause="rest")], counted(moves={"pause -> rest": 2})),
        (SHORT, [mode("welcome", "exit")], counted(ended={"version_migrated": 2})),
        (
            FIRST + "goal: {when: 'happened(\"Go\")'}\n",
            [mode("welcome", "migrate")],
            counted(moves={"pause -> pause": 2}, released=2, ended={"goal": 2}),
        ),
        (OTHER, [mode("welcome", "exit")], counted(ended={"version_migrated": 2})),
    ],
    ids=["pin", "released", "retimed", "moves", "no map", "map", "exit", "goal", "removed"],
)
async def test_the_plan_counts_what_a_publish_then_does(
    flight: Flight, text: str, modes: list[JsonObject], counts: dict[str, object]
) -> None:
    await under_way(flight)
    planned = await flight.plan(text, *modes)
    assert people(planned) == counts

    await flight.publish(text, *modes)
    await flight.turn_all()

    moved = await flight.decided("ann", Act.MIGRATED, Act.ENDED)
    assert (moved == []) == (counts["stays"] == 2)
    assert len(set(flight.turned)) == planned["concerned"]


async def test_a_plan_changes_nothing(flight: Flight) -> None:
    await under_way(flight)
    before = [await flight.store.customer(each.id) for each in await flight.store.customers()]

    await flight.plan(SHORT, mode("welcome", "migrate"))

    assert [await flight.store.customer(each.id) for each in await flight.store.customers()] == before
    assert (await flight.client.get("revision")).json()["number"] == 1


async def test_a_plan_tells_the_steps_and_the_other_definitions_that_change(flight: Flight) -> None:
    await under_way(flight)
    later = FIRST.replace("{id: tip, email: tip}", "{id: hint, email: hint}").replace("5d", "6d")
    plan = await flight.plan(f"{later}goal: {{when: 'traits.won == true'}}\n---\nsegment: vip\nwhen: traits.vip\n")
    listed = plan["playbooks"]
    assert isinstance(listed, list)
    assert [(each["playbook"], each["what"], each["mode"]) for each in listed if isinstance(each, dict)] == [
        ("other", "removed", "pin"),
        ("welcome", "changed", "pin"),
    ]
    assert isinstance(listed[1], dict)
    assert listed[1]["steps"] == {"added": ["hint"], "changed": ["pause"], "removed": ["tip"], "keys": ["goal"]}
    assert plan["others"] == ["segment vip"]


async def test_who_is_held_by_a_cap_is_not_counted_as_released(flight: Flight) -> None:
    capped = "---\npolicies: default\ntopics: {tips: {kind: opt_out, name: Tips}}\ncaps: [{messages: 1, per: 30d}]\n"
    first = HEAD + "  - {id: one, email: one}\n  - {id: two, email: two, hold: 20d}\n"
    await flight.publish(first + capped)
    await flight.event("Go", "ann")
    later = first.replace("email: two", "email: better")

    planned = await flight.plan(later + capped, mode("welcome", "migrate"))

    assert people(planned) == counted(moves={"two -> two": 1})


# --- what a publish does --------------------------------------------------------------------------------------------


async def test_whoever_is_in_a_playbook_stays_in_the_version_it_began_with_and_is_not_rung(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(SHORT + "---\n" + OTHER)
    await flight.turn_all()
    assert flight.turned == []

    await flight.pass_time(days=1)
    assert await flight.sent() == ["cid hi"]
    await flight.pass_time(days=2)
    assert await flight.sent() == ["ann tip", "bob tip", "cid hi"]


async def test_migrate_rings_those_inside_and_nobody_else(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(SHORT + "---\n" + OTHER, mode("welcome", "migrate"))
    await flight.turn_all()
    assert sorted(flight.turned) == ["ann", "bob"]
    assert await flight.sent() == ["ann tip", "bob tip"]


async def test_the_map_leads_from_a_removed_step_to_another(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(RENAMED, mode("welcome", "migrate", pause="rest"))
    await flight.turn_all()
    assert await flight.where() == {"ann": "rest", "bob": "rest", "cid": "w"}


async def test_exit_ends_everybody_inside(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(SHORT, mode("welcome", "exit"))
    await flight.turn_all()
    assert (await flight.where(), await flight.decided("ann", Act.ENDED)) == ({"cid": "w"}, ["version_migrated"])


async def test_an_order_of_a_former_publish_is_carried_out_by_whoever_comes_late(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(RENAMED, mode("welcome", "migrate", pause="rest"))
    await flight.publish(RENAMED.replace("rest", "nap"), mode("welcome", "migrate", rest="nap"))
    await flight.turn_all()
    assert await flight.where() == {"ann": "nap", "bob": "nap", "cid": "w"}


async def test_going_back_is_a_publish_of_what_was(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(SHORT + "---\n" + OTHER)
    await flight.event("Go", "eve")
    body = {"revision": "1", "expected": (await flight.client.get("revision")).json()["id"], "by": "kim"}

    answer = await flight.client.post("revisions/rollback", json={**body, "modes": [mode("welcome", "migrate")]})
    await flight.turn_all()
    await flight.pass_time(days=4)

    assert (answer.status_code, answer.json()["number"]) == (201, 3)
    assert await flight.sent() == ["ann tip", "bob tip", "cid hi"]
    await flight.pass_time(days=1)
    assert "eve tip" in await flight.sent()


async def test_an_unknown_revision_is_not_gone_back_to(flight: Flight) -> None:
    first = (await flight.publish(FIRST)).json()["id"]
    answer = await flight.client.post("revisions/rollback", json={"revision": "7", "expected": first})
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no revision '7'. Run: perennia revisions")


# --- pausing a playbook ---------------------------------------------------------------------------------------------


async def test_a_paused_playbook_holds_what_falls_due_until_it_is_resumed(flight: Flight) -> None:
    await under_way(flight)
    await flight.steer("welcome", "pause")
    await flight.pass_time(days=5)
    assert await flight.sent() == ["cid hi"]

    await flight.steer("welcome", "resume")
    await flight.turn_all()
    assert await flight.sent() == ["ann tip", "bob tip", "cid hi"]


async def test_what_fell_due_in_the_pause_is_skipped_where_that_is_wished(flight: Flight) -> None:
    await under_way(flight)
    await flight.steer("welcome", "pause")
    await flight.pass_time(days=5)
    await flight.steer("welcome", "resume", skip=True)
    await flight.turn_all()
    assert (await flight.sent(), await flight.decided("ann", Act.ENDED)) == (["cid hi"], ["completed"])


async def test_a_paused_playbook_lets_nobody_in(flight: Flight) -> None:
    await flight.publish(FIRST)
    await flight.steer("welcome", "pause")
    await flight.event("Go", "ann")
    assert await flight.decided("ann", Act.REFUSED) == ["playbook_paused"]


async def test_a_pause_rings_nobody_and_resuming_rings_those_inside(flight: Flight) -> None:
    await under_way(flight)
    await flight.steer("welcome", "pause")
    assert await flight.store.rung(10) == []
    await flight.steer("welcome", "resume")
    await flight.turn_all()
    assert sorted(flight.turned) == ["ann", "bob"]


async def test_pausing_what_is_paused_changes_nothing(flight: Flight) -> None:
    await flight.publish(FIRST)
    once = (await flight.steer("welcome", "pause")).json()
    again = (await flight.steer("welcome", "pause")).json()
    assert (once["number"], again) == (2, once)


async def test_a_publish_does_not_resume_a_paused_playbook(flight: Flight) -> None:
    await flight.publish(FIRST)
    await flight.steer("welcome", "pause")
    await flight.publish(SHORT)
    await flight.event("Go", "ann")
    assert await flight.decided("ann", Act.REFUSED) == ["playbook_paused"]


async def test_a_playbook_that_is_not_published_is_not_paused(flight: Flight) -> None:
    await flight.publish(FIRST)
    answer = await flight.steer("wellcome", "pause")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "No playbook 'wellcome' is published; did you mean 'welcome'?"


# --- what is remembered ---------------------------------------------------------------------------------------------


async def test_revisions_tell_who_ordered_what_and_whom_it_reached(flight: Flight) -> None:
    await under_way(flight)
    await flight.publish(RENAMED, mode("welcome", "migrate", pause="rest"), by="lee")
    await flight.steer("welcome", "pause")

    listed = (await flight.client.get("revisions")).json()

    assert [(each["revision"]["number"], each["revision"]["published_by"], each["reached"]) for each in listed] == [
        (3, "kim", 0),
        (2, "lee", 2),
        (1, "kim", 0),
    ]
    assert [(order["word"], order["map"]) for each in listed for order in each["orders"]] == [
        ("pause", {}),
        ("migrate", {"pause": "rest"}),
    ]


async def test_every_change_is_in_the_audit_log(flight: Flight) -> None:
    await flight.publish(FIRST)
    await flight.publish(SHORT, mode("welcome", "migrate", pause="pause"), by="lee")
    await flight.steer("welcome", "pause")
    await flight.steer("welcome", "resume", skip=True)
    written = (await flight.client.get("audit")).json()
    assert [(each["by"], each["action"]) for each in reversed(written)] == [
        ("kim", "publish"),
        ("lee", "publish"),
        ("kim", "pause"),
        ("kim", "skip"),
    ]
    assert written[2]["detail"] == {"documents": 1, "migrate welcome": {"pause": "pause"}}


@pytest.mark.parametrize(
    ("order", "status", "said"),
    [
        (mode("wellcome", "migrate"), 422, "There is no playbook 'wellcome'; did you mean 'welcome'?"),
        (
            mode("welcome", "migrate", pause="reest"),
            422,
            "There is no step 'reest' in the 'welcome' of this release; did you mean 'rest'?",
        ),
        (
            mode("welcome", "migrate", nap="rest"),
            422,
            "There is no step 'nap' in any version of 'welcome' that is or was in force.",
        ),
        (
            mode("other", "migrate"),
            422,
            "The playbook 'other' is not in this release: nobody can go on in it; say exit.",
        ),
    ],
)
async def test_a_wrong_order_is_refused_with_what_was_meant(
    flight: Flight, order: JsonObject, status: int, said: str
) -> None:
    await under_way(flight)
    answer = await flight.publish(RENAMED, order)
    assert (answer.status_code, answer.json()["detail"]) == (status, said)
    assert (await flight.client.get("revision")).json()["number"] == 1
