"""`perennia plan`, `publish`, `revisions`, `rollback`, `publishing`, and pausing a playbook, over HTTP on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from perennia.catalog import load_workspace, release
from perennia.core.json_values import JsonObject
from perennia.core.reach import EVERYBODY
from perennia.installation import Installation, SaidNo
from perennia.publishing import publish_documents
from perennia.store import open_store
from tests.support.commands import Ended
from tests.support.flight import KEY, Flight, in_flight
from tests.support.in_process import InProcess
from tests.support.serving import served
from tests.support.workspace_files import PLAYBOOK

SHORTER = PLAYBOOK.replace("wait: 2d", "wait: 1d")
RENAMED = SHORTER.replace("id: settle", "id: nap")


@dataclass
class Desk:
    """A workspace, an installation at ``url``, and the commands that one says to the other."""

    flight: Flight
    url: str
    shell: InProcess

    async def run(self, *words: str) -> Ended:
        return await asyncio.to_thread(self.shell.run, *words, "--url", self.url, PERENNIA_ADMIN_KEY=KEY)

    def write(self, playbook: str) -> None:
        (self.shell.folder / "playbooks/hello.yaml").write_text(playbook, encoding="utf-8")

    async def somebody_is_inside(self) -> None:
        """Publishes the playbook, and Ana waits in it at `settle`, since a day and a half."""
        assert (await self.run("publish")).code == 0
        await self.flight.event("Signed Up", "ana", plan="pro")
        await self.flight.pass_time(days=1, hours=12)


@pytest.fixture
async def desk(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Desk]:
    store = open_store(f"sqlite:///{workspace / 'store.sqlite'}")
    await store.migrate()
    async with in_flight(store) as flight, served(flight.app) as url:
        yield Desk(flight, url, InProcess(workspace, capsys, monkeypatch))
    await store.close()


# --- publishing -----------------------------------------------------------------------------------------------------


async def test_a_publish_says_what_is_new_and_a_second_one_that_nothing_is(desk: Desk) -> None:
    first, second = await desk.run("publish"), await desk.run("publish")

    assert [line.split("(")[0].strip() for line in first.out.splitlines()] == [
        "new      playbook hello",
        "new      policies default",
        "new      template hello/greet",
        "published revision 1",
    ]
    assert second.out.startswith("nothing has changed: still revision 1 (")


async def test_a_plan_counts_people_and_names_the_revision_it_was_made_on(desk: Desk) -> None:
    await desk.somebody_is_inside()
    desk.write(SHORTER)

    pinned, migrated = await desk.run("plan"), await desk.run("plan", "--migrate", "hello")

    assert (
        "changed  playbook hello (pin)\n    changed: settle\n    1 stay in the version they began with\n" in pinned.out
    )
    assert "    1 of them go on at once\n" in migrated.out
    assert "planned on revision 1; to publish just this: --expect " in migrated.out
    assert await desk.flight.where() == {"ana": "settle"}


async def test_who_is_migrated_goes_on_in_the_new_version(desk: Desk) -> None:
    await desk.somebody_is_inside()
    desk.write(SHORTER)

    ended = await desk.run("publish", "--migrate", "hello", "--json")
    await desk.flight.turn_all()

    revision = cast("JsonObject", ended.document["revision"])
    assert (revision["number"], ended.document["changes"]) == (
        2,
        [{"kind": "playbook", "id": "hello", "what": "changed"}],
    )
    assert await desk.flight.sent() == ["ana hello/greet", "ana hello/greet"]
    assert await desk.flight.where() == {}


async def test_a_map_says_where_people_at_a_removed_step_go(desk: Desk) -> None:
    await desk.somebody_is_inside()
    desk.write(RENAMED.replace("wait: 1d", "wait: 5d"))

    ended = await desk.run("publish", "--migrate", "hello", "--map", "settle=nap")
    await desk.flight.turn_all()

    assert (ended.code, await desk.flight.where()) == (0, {"ana": "nap"})


async def test_people_can_be_ended_with_a_publish(desk: Desk) -> None:
    await desk.somebody_is_inside()
    desk.write(SHORTER)

    await desk.run("publish", "--exit", "hello")
    await desk.flight.turn_all()

    assert await desk.flight.where() == {}
    assert "exit hello" in (await desk.run("revisions")).out


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--map", "settle=nap"), 2, "--map 'settle=nap' is no map of a playbook that is migrated; write --migrate"),
        (("--migrate", "hello", "--map", "settle"), 2, "--map 'settle' is no map"),
        (("--migrate", "helo"), 4, "There is no playbook 'helo'; did you mean 'hello'?"),
        (("--migrate", "hello", "--map", "setle=greet"), 4, "There is no step 'setle'"),
        (("--migrate", "hello", "--exit", "hello"), 4, "is given two modes; say one"),
        (("--expect", "7"), 4, "there is no revision '7'"),
    ],
)
async def test_what_cannot_be_published_so_is_said_in_one_line(
    desk: Desk, options: tuple[str, ...], code: int, said: str
) -> None:
    await desk.run("publish")
    desk.write(SHORTER)

    ended = await desk.run("publish", *options)

    assert (ended.code, said in ended.err, ended.err.count("\n")) == (code, True, 1), ended.err


async def test_whoever_planned_on_an_older_revision_is_told_who_has_published_since(desk: Desk) -> None:
    await desk.run("publish")
    documents = release(load_workspace(desk.shell.folder)).documents
    async with Installation(desk.url, KEY) as at:
        await publish_documents(at, [each for each in documents if each.kind != "playbook"], "lee")
    desk.write(SHORTER)

    refused, accepted = await desk.run("publish", "--expect", "1"), await desk.run("publish", "--expect", "2")

    assert refused.code == 4
    assert "lee published revision 2 (" in refused.err
    assert "which change playbook hello" in refused.err
    assert accepted.code == 0


# --- going back -----------------------------------------------------------------------------------------------------


async def test_going_back_puts_former_definitions_in_force_as_a_new_revision(desk: Desk) -> None:
    await desk.run("publish")
    desk.write(SHORTER)
    await desk.run("publish")

    back, unknown = await desk.run("rollback", "1"), await desk.run("rollback", "9")

    assert back.out.startswith("published revision 3 (")
    assert back.out.endswith("), which is revision 1 again\n")
    assert (unknown.code, "There is no revision '9'" in unknown.err) == (4, True)
    listed = await desk.run("revisions", "--json")
    found = cast("list[JsonObject]", listed.document)
    assert [cast("JsonObject", each["revision"])["number"] for each in found] == [3, 2, 1]


async def test_what_was_in_force_before_is_not_put_in_force_by_a_start(desk: Desk) -> None:
    await desk.run("publish")
    desk.write(SHORTER)
    await desk.run("publish")
    await desk.run("rollback", "1")
    documents = release(load_workspace(desk.shell.folder)).documents

    async with Installation(desk.url, KEY) as at:
        with pytest.raises(
            SaidNo, match=r"as they were published as revision 2, and .* has put revision 3 in force since"
        ):
            await publish_documents(at, documents, "up", only_new=True)
        desk.write(RENAMED)
        changed = release(load_workspace(desk.shell.folder)).documents
        publication = await publish_documents(at, changed, "up", only_new=True)
        again = await publish_documents(at, changed, "up", only_new=True)

    assert (publication.revision.number, again.revision.number) == (4, 4)


# --- everybody in a playbook ----------------------------------------------------------------------------------------


async def test_a_playbook_is_paused_and_resumed_for_everybody(desk: Desk) -> None:
    await desk.somebody_is_inside()

    paused = await desk.run("pause", "hello")
    await desk.flight.turn_all()
    await desk.flight.pass_time(days=1)
    held = await desk.flight.sent()
    resumed = await desk.run("resume", "hello")
    await desk.flight.turn_all()

    assert (paused.out, resumed.out) == (
        "paused hello for everybody (revision 2)\n",
        "resumed hello for everybody (revision 3)\n",
    )
    assert (held, len(await desk.flight.sent())) == (["ana hello/greet"], 2)


async def test_what_fell_due_in_a_pause_can_be_skipped(desk: Desk) -> None:
    await desk.somebody_is_inside()
    await desk.run("pause", "hello")
    await desk.flight.turn_all()
    await desk.flight.pass_time(days=1)

    await desk.run("resume", "hello", "--skip")
    await desk.flight.turn_all()

    assert await desk.flight.sent() == ["ana hello/greet"]
    assert await desk.flight.where() == {}


# --- publishes under way --------------------------------------------------------------------------------------------


async def publish_slowly(desk: Desk) -> None:
    """A publish for everybody that has rung one of three so far."""
    await desk.run("publish")
    await desk.flight.event("Looked", "ana", "ben", "cy")
    current = await desk.flight.store.current_revision()
    assert current is not None
    desk.write(SHORTER)
    given = release(load_workspace(desk.shell.folder))
    now = desk.flight.clock.now()
    await desk.flight.store.publish(given.documents, given.triggers, now, "lee", current.id, (), EVERYBODY, at_once=1)


async def test_a_publish_under_way_is_looked_at_held_slowed_down_and_let_go_on(desk: Desk) -> None:
    await publish_slowly(desk)

    said = [
        (await desk.run("publishing", *words)).out.splitlines()
        for words in (("status",), ("rate", "7"), ("pause",), ("status",), ("resume", "2"))
    ]

    assert [line.split() for line in said[0]] == [
        ["NUMBER", "REACHED", "LEFT", "A", "SECOND", "STATE", "BY"],
        ["2", "1", "2", "100", "going", "on", "lee"],
    ]
    assert said[1:3] == [
        ["revision 2: going on, 7 a second; 1 reached, 2 left"],
        ["revision 2: paused, 7 a second; 1 reached, 2 left"],
    ]
    assert said[3][1].split() == ["2", "1", "2", "7", "paused", "lee"]
    assert said[4] == ["revision 2: going on, 7 a second; 1 reached, 2 left"]
    audited = [(each.action, each.subject) for each in await desk.flight.store.audited(3)]
    assert audited == [("resume publishing", "2"), ("pause publishing", "2"), ("rate of publishing", "2")]


async def test_a_publish_that_has_reached_everybody_is_not_steered(desk: Desk) -> None:
    await desk.run("publish")

    said = [
        await desk.run("publishing", *words) for words in (("status",), ("pause",), ("pause", "1"), ("rate", "5", "9"))
    ]

    assert said[0].out == "every revision has reached everybody whom it concerns\n"
    assert [each.code for each in said] == [0, 4, 4, 4]
    assert "no publish is under way" in said[1].err
    assert "Revision 1 has reached everybody whom it concerns" in said[2].err
    assert "There is no revision 9" in said[3].err


async def test_while_temporal_is_away_a_publish_is_shown_and_not_steered(desk: Desk) -> None:
    await publish_slowly(desk)
    desk.flight.publishes.away = True

    status, paused = await desk.run("publishing", "status"), await desk.run("publishing", "pause")

    assert "no worker answers" in status.out
    assert (paused.code, "Temporal does not answer. Nothing was changed" in paused.err) == (4, True)
