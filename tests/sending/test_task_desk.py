"""People hear of their tasks, once, by mail or in a channel; a team's tasks go to who is there; links act for a person."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest

from activities.desk import TaskDesk
from perennia.api.app import create_app
from perennia.ingest.segment import Record
from perennia.providers.failures import Unavailable
from perennia.providers.notices import Channels, RecordingChannel
from perennia.store.desk_records import Absence
from perennia.store.port import Store
from tests.sending.conftest import LINKS, POLICIES, START, ToldProvider
from tests.support.installation import event, publish, traits
from tests.support.time_skipping import ManualClock
from tests.support.turning import TurningBells

PEOPLE = """
        people:
          kim: {name: Kim Lee, email: kim@acme.example, digest: "07:00"}
          sam: {tell: cs-room}
          lee: {email: lee@acme.example}
        teams:
          cs: {people: [kim, sam]}
          busy: {people: [kim, sam], assign: least_loaded}
        """
CALL = """
        playbook: call
        enter: {on: [{event: Asked}], reenter: always}
        steps:
          - id: call
            task: Call {{ contact.first_name }}
            assign: %s
            due: 1d
            wait: true
        """


@dataclass
class Floor:
    """A team, their channel and mail, the desk that tells them, and the pages their links lead to."""

    store: Store
    clock: ManualClock
    room: RecordingChannel
    mail: ToldProvider
    desk: TaskDesk
    bells: TurningBells
    pages: httpx.AsyncClient

    async def asks(self, *people: str) -> None:
        """A task about each is opened, one after the other."""
        for who in people:
            at = self.clock.instant
            items: list[Record] = [traits(who, at, first_name=who.title()), event(who, "Asked", at, n=1)]
            await self.store.accept(items, at)
            await self.bells.turn(await self.store.find(who))
            self.clock.instant += timedelta(seconds=1)

    async def assignees(self) -> list[str | None]:
        return [task.assignee for task in reversed(await self.store.tasks())]

    def mailed(self) -> list[tuple[str, str]]:
        return [(sent.recipient.address, sent.subject) for sent in self.mail.asked]


@pytest.fixture
def assigned_to() -> str:
    return "kim"


@pytest.fixture
async def floor(store: Store, assigned_to: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    files = {
        "playbooks/policies.yaml": POLICIES.rstrip() + PEOPLE,
        "playbooks/call.yaml": CALL % assigned_to,
    }
    await publish(store, tmp_path_factory.mktemp("floor"), START, files)
    clock, room, mail = ManualClock(START), RecordingChannel(), ToldProvider()
    bells = TurningBells(store, clock)
    desk = TaskDesk(store, Channels({"cs-room": room}), mail, LINKS, clock)
    app = create_app(store=store, bells=bells, clock=clock, links=LINKS, write_keys=["w"], admin_key="admin-key")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://acme.example") as pages:
        yield Floor(store, clock, room, mail, desk, bells, pages)


# --- telling ----------------------------------------------------------------------------------------------------------


async def test_who_gets_a_task_is_told_once_what_about_whom_and_until_when(floor: Floor) -> None:
    await floor.asks("ana")

    await floor.desk.look()
    await floor.desk.look()

    (sent,) = floor.mail.asked
    assert (sent.recipient.address, sent.subject) == ("kim@acme.example", "Task: Call Ana")
    assert sent.text.splitlines()[1] == "For customer ana, due Tue 03 Mar 2026 11:00 CET"
    assert sent.text.splitlines()[2].startswith("https://acme.example/t/")


async def test_who_gets_it_next_is_told_in_their_channel(floor: Floor) -> None:
    await floor.asks("ana")
    await floor.desk.look()
    (task,) = await floor.store.tasks()

    await floor.store.assign_task(task.key, "sam", START, "kim")
    await floor.desk.look()

    assert [notice.text.splitlines()[0] for notice in floor.room.notices] == ["Task: Call Ana"]


async def test_what_could_not_be_told_is_told_later(floor: Floor) -> None:
    await floor.asks("ana")
    floor.mail.answers.append(Unavailable("away"))

    for _ in range(3):  # it failed; somebody may be about to tell; it is told
        await floor.desk.look()
        floor.clock.instant += timedelta(minutes=1)

    assert floor.mailed() == [("kim@acme.example", "Task: Call Ana")] * 2


@pytest.mark.parametrize("assigned_to", ["lee@acme.example"])
async def test_an_address_is_who_has_it(floor: Floor) -> None:
    await floor.asks("ana")
    await floor.desk.look()
    assert floor.mailed() == [("lee@acme.example", "Task: Call Ana")]


@pytest.mark.parametrize("assigned_to", ["stranger"])
async def test_nobody_is_told_whom_the_policies_do_not_name(floor: Floor) -> None:
    await floor.asks("ana")
    await floor.desk.look()
    assert (floor.mailed(), len(floor.room.notices)) == ([], 0)
    assert await floor.assignees() == ["stranger"]


# --- teams, and who is away -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("assigned_to", ["cs"])
async def test_a_teams_tasks_go_round(floor: Floor) -> None:
    await floor.asks("ana", "bob", "cy")
    await floor.desk.look()
    assert await floor.assignees() == ["kim", "sam", "kim"]


@pytest.mark.parametrize("assigned_to", ["busy"])
async def test_or_to_who_has_least_to_do(floor: Floor) -> None:
    await floor.asks("ana", "bob", "cy")
    (last, second, first) = await floor.store.tasks()
    await floor.store.assign_task(first.key, "sam", START, "x")
    await floor.store.assign_task(second.key, "sam", START, "x")
    await floor.desk.look()
    assert await floor.assignees() == ["sam", "sam", "kim"]
    history = await floor.store.task(last.key)
    assert history is not None
    assert (history.notes[0].by, history.notes[0].text) == ("team busy", "kim")


def away(person: str, stand_in: str | None, start: datetime = START) -> Absence:
    return Absence(person=person, start=start, end=START + timedelta(days=5), stand_in=stand_in)


@pytest.mark.parametrize("assigned_to", ["cs"])
async def test_nobody_who_is_away_gets_one_of_the_teams(floor: Floor) -> None:
    await floor.store.set_absence(away("kim", None))
    await floor.asks("ana", "bob")
    await floor.desk.look()
    assert await floor.assignees() == ["sam", "sam"]


async def test_whoever_stands_in_gets_it_and_is_told(floor: Floor) -> None:
    await floor.store.set_absence(away("kim", "lee"))
    await floor.store.set_absence(away("lee", "sam"))
    await floor.asks("ana")

    await floor.desk.look()
    await floor.desk.look()

    assert await floor.assignees() == ["sam"]
    assert (floor.mailed(), len(floor.room.notices)) == ([], 1)


async def test_where_nobody_stands_in_they_hear_of_it_when_they_are_back(floor: Floor) -> None:
    await floor.store.set_absence(away("kim", None))
    await floor.asks("ana")
    await floor.desk.look()
    assert floor.mailed() == []

    await floor.store.end_absence("kim", floor.clock.instant)
    await floor.desk.look()
    assert floor.mailed() == [("kim@acme.example", "Task: Call Ana")]


# --- digests ----------------------------------------------------------------------------------------------------------


async def test_a_digest_comes_in_the_morning_of_a_business_day_once(floor: Floor) -> None:
    await floor.asks("ana", "bob")
    await floor.desk.look()
    floor.mail.asked.clear()

    for hour in (5, 6, 7):  # the next day, UTC; Amsterdam is an hour ahead
        floor.clock.instant = datetime(2026, 3, 3, hour, 0, tzinfo=START.tzinfo)
        await floor.desk.look()
    floor.clock.instant = datetime(2026, 3, 7, 6, 0, tzinfo=START.tzinfo)  # a Saturday
    await floor.desk.look()

    (sent,) = floor.mail.asked
    assert sent.subject == "2 open tasks, 2 of them due today or late"
    assert [line for line in sent.text.splitlines() if line.startswith("-")] == [
        "- Call Ana (customer ana, due Tue 03 Mar 2026 11:00 CET)",
        "- Call Bob (customer bob, due Tue 03 Mar 2026 11:00 CET)",
    ]


# --- links ------------------------------------------------------------------------------------------------------------


async def link(floor: Floor) -> str:
    await floor.asks("ana")
    await floor.desk.look()
    found = re.search(r"https://acme\.example(/t/\S+)", floor.mail.asked[-1].text)
    assert found is not None
    return found[1]


async def test_opening_the_link_changes_nothing(floor: Floor) -> None:
    path = await link(floor)
    for method in ("GET", "HEAD", "GET"):
        assert (await floor.pages.request(method, path)).status_code == 200
    assert [task.status for task in await floor.store.tasks()] == ["open"]


async def test_a_button_ends_the_task_and_the_playbook_goes_on_at_once(floor: Floor) -> None:
    path = await link(floor)

    page = await floor.pages.post(path, data={"act": "done", "said": "They were happy"})
    await floor.bells.turn(await floor.store.find("ana"))

    assert "It is done." in page.text
    assert [(task.status, task.result) for task in await floor.store.tasks()] == [("done", "They were happy")]
    _, state = await floor.store.customer(await floor.store.find("ana"))
    assert state is not None
    assert state.enrollments == []
    again = await floor.pages.post(path, data={"act": "cancelled"})
    assert ("It has ended: They were happy" in again.text, "It is cancelled" in again.text) == (True, False)


async def test_a_button_puts_it_aside_until_the_team_works_again(floor: Floor) -> None:
    path = await link(floor)
    page = await floor.pages.post(path, data={"act": "snooze-5bd"})
    (task,) = await floor.store.tasks()
    assert task.snoozed_until == datetime(2026, 3, 9, 8, 0, tzinfo=START.tzinfo)
    assert "put aside until Mon 09 Mar 2026, 09:00 CET" in page.text


async def test_the_page_is_in_the_language_that_its_reader_likes_best(floor: Floor) -> None:
    path = await link(floor)
    page = await floor.pages.get(path, headers={"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"})
    assert page.headers["Content-Language"] == "de"
    assert "Fällig Dienstag, 3. März 2026, 11:00 CET" in page.text
    assert ">Nächster Arbeitstag</button>" in page.text


async def test_a_link_is_no_good_for_anything_else_or_once_its_person_left(floor: Floor) -> None:
    path = await link(floor)
    (task,) = await floor.store.tasks()
    assert (await floor.pages.get(path + "x")).status_code == 404
    left = LINKS.task_url(task.key, "gone").removeprefix("https://acme.example")
    assert (await floor.pages.post(left, data={"act": "done"})).status_code == 404
    assert [task.status for task in await floor.store.tasks()] == ["open"]


async def test_what_people_write_is_shown_as_text(floor: Floor) -> None:
    path = await link(floor)
    page = await floor.pages.post(path, data={"act": "comment", "said": "<b>soon</b>"})
    assert "&lt;b&gt;soon&lt;/b&gt;" in page.text
