"""Rows of a real database, asked for by query and cursor: the store's own neighbour, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import NullPool, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from perennia.catalog.one_document import FileWrong
from perennia.clock import WallClock
from perennia.core.json_values import Json, JsonObject
from perennia.importing.cursors import CursorWrong, cursor_text, read_cursor
from perennia.importing.database import DatabaseFailed
from perennia.importing.pull_files import Pull, read_pulls
from perennia.importing.pulling import Puller
from perennia.importing.running import Report
from perennia.store import SqlStore
from perennia.store.import_records import ImportState
from tests.support.posts import take_turn

PEOPLE = Pull(
    kind="customers",
    url="WAREHOUSE",
    query="SELECT id, email, plan, changed FROM people WHERE changed > :cursor ORDER BY changed",
    cursor="changed",
    start="2020-01-01T00:00:00+00:00",
)
LATER = ("2026-03-02 10:00:00+00:00", "2026-03-02 11:00:00+00:00", "2026-03-02 12:00:00+00:00")


class Warehouse:
    """A table ``people`` of somebody else's, and a puller that reads it into the store."""

    def __init__(self, url: str, store: SqlStore) -> None:
        self.url, self.store = url, store

    async def run(self, *statements: str) -> None:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                for statement in statements:
                    connection.execute(statement)
                connection.commit()
            return
        engine = create_async_engine(make_url(self.url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
        async with engine.begin() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)
        await engine.dispose()

    async def put(self, id_: str, plan: str, changed: str = LATER[0], email: str = "") -> None:
        await self.run(f"INSERT INTO people VALUES ('{id_}', '{email}', '{plan}', '{changed}')")

    def puller(self, pull: Pull = PEOPLE) -> Puller:
        return Puller(self.store, WallClock(), {"people": pull}, {"WAREHOUSE": self.url})

    async def pull(self, pull: Pull = PEOPLE) -> tuple[int, int, int]:
        """Taken, known and refused in all, so far."""
        state = (await self.puller(pull).run("people")).state
        return state.taken, state.known, state.bad

    async def traits(self, who: str) -> JsonObject:
        await take_turn(self.store, who)
        state = (await self.store.customer(await self.store.find(who)))[1]
        return {} if state is None else state.facts.traits


@pytest.fixture
async def warehouse(database: str, store: SqlStore) -> AsyncGenerator[Warehouse]:
    warehouse = Warehouse(database, store)
    type_ = "text" if database.startswith("sqlite") else "timestamptz"
    await warehouse.run(f"CREATE TABLE people (id text, email text, plan text, changed {type_})")
    yield warehouse
    await warehouse.run("DROP TABLE people")


async def test_a_run_takes_what_is_new_since_the_last_one(warehouse: Warehouse) -> None:
    await warehouse.put("ana", "free", email="ana@example.com")
    await warehouse.put("ben", "pro", LATER[1])
    assert await warehouse.pull() == (2, 0, 0)
    assert await warehouse.pull() == (2, 0, 0)

    await warehouse.run(f"UPDATE people SET plan = 'pro', changed = '{LATER[2]}' WHERE id = 'ana'")

    assert await warehouse.pull() == (3, 0, 0)
    assert await warehouse.traits("ana") == {"email": "ana@example.com", "plan": "pro"}


async def test_a_row_that_is_what_it_was_before_is_told_again(warehouse: Warehouse) -> None:
    await warehouse.put("ana", "free")
    for plan, changed in (("pro", LATER[1]), ("free", LATER[2])):
        await warehouse.pull()
        await warehouse.run(f"UPDATE people SET plan = '{plan}', changed = '{changed}'")

    assert await warehouse.pull() == (3, 0, 0)
    assert (await warehouse.traits("ana"))["plan"] == "free"


async def test_a_run_broken_off_among_rows_of_one_instant_begins_before_them(warehouse: Warehouse) -> None:
    rows = ", ".join(f"('c{n}', '', 'pro', '{LATER[0] if n < 400 else LATER[1]}')" for n in range(1_600))
    await warehouse.run(f"INSERT INTO people VALUES {rows}")

    class Killed(Exception):
        pass

    def tell(state: ImportState) -> None:
        if state.row == 1_000 and state.cursor:
            raise Killed

    with pytest.raises(Killed):
        await warehouse.puller().run("people", tell)

    assert await warehouse.pull() == (1_600, 600, 0)


async def test_refused_rows_are_kept_with_their_place_and_without_what_they_say(warehouse: Warehouse) -> None:
    pull = PEOPLE.model_copy(
        update={"kind": "consents", "columns": {"id": "customer", "plan": "given", "changed": "at"}}
    )
    with_topic = pull.model_copy(update={"query": pull.query.replace("email", "'tips' AS topic")})
    await warehouse.put("ana", "perhaps")
    await warehouse.put("kim", "yes", LATER[1])

    assert await warehouse.pull(with_topic) == (0, 0, 2)

    state = await warehouse.puller(with_topic).state("people")
    assert state is not None
    assert [(each.cursor[:13].replace("T", " "), each.column, each.message) for each in state.refused] == [
        ("2026-03-02 10", "plan", "'...' is neither yes nor no"),
        ("2026-03-02 11", None, "there is no contact '...'; import the customers first"),
    ]


async def test_an_old_consent_that_is_read_again_takes_nothing_back(warehouse: Warehouse) -> None:
    columns = {"id": "customer", "plan": "given", "changed": "at"}
    query = PEOPLE.query.replace("email", "'tips' AS topic")
    pull = PEOPLE.model_copy(update={"kind": "consents", "columns": columns, "query": query})
    await warehouse.put("ana", "pro")
    await warehouse.pull()
    await warehouse.run("UPDATE people SET plan = 'yes'")
    ana = await warehouse.store.find("ana")
    await warehouse.puller(pull).run("people", again=True)
    given = await warehouse.store.consents(ana)
    await warehouse.store.unsubscribe(ana, "tips", WallClock().now(), "test")

    await warehouse.puller(pull).run("people", again=True)

    assert (given, await warehouse.store.consents(ana)) == ({"tips": True}, {"tips": False})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (PEOPLE.query.replace("changed FROM", "id AS other FROM"), "the query has no column 'changed', the cursor"),
        (PEOPLE.query + " DESC", "ORDER BY"),
        (PEOPLE.query.replace("people", "nobody"), "nobody"),
    ],
)
async def test_a_query_that_does_not_fit_says_so_and_the_next_run_tries_again(
    warehouse: Warehouse, query: str, said: str
) -> None:
    await warehouse.put("ana", "free")
    await warehouse.put("ben", "free", LATER[1])
    with pytest.raises((CursorWrong, DatabaseFailed), match=re.escape(said)):
        await warehouse.pull(PEOPLE.model_copy(update={"query": query}))
    state = await warehouse.puller().state("people")
    assert state is not None
    assert said in (state.failure or "")

    assert await warehouse.pull() == (2, 0, 0)


async def test_a_dry_run_takes_nothing_and_says_what_is_wrong(warehouse: Warehouse) -> None:
    await warehouse.put("ana", "free")
    await warehouse.put("", "free", LATER[1])

    looked: Report = await warehouse.puller().run("people", dry_run=True)

    assert (looked.state.taken, [each.message for each in looked.errors]) == (
        1,
        ["there is no id; name its column with --map COLUMN=id"],
    )
    assert await warehouse.puller().state("people") is None
    assert (await warehouse.store.customers(10, None)) == []


async def test_events_of_a_table_are_history(warehouse: Warehouse) -> None:
    query = "SELECT id AS customer, plan AS event, changed FROM people WHERE changed > :cursor ORDER BY changed"
    pull = PEOPLE.model_copy(update={"kind": "events", "query": query, "columns": {"changed": "at"}})
    await warehouse.put("ana", "free")
    await warehouse.pull()
    await warehouse.traits("ana")
    await warehouse.run("UPDATE people SET plan = 'Logged In'")

    report = await warehouse.puller(pull).run("people", again=True)

    assert report.state.taken == 1
    (_, turned) = await warehouse.store.customer(await warehouse.store.find("ana"))
    assert turned is not None
    assert turned.tallied == "merged"

    (event,) = await warehouse.store.history(await warehouse.store.find("ana"), ["Logged In"])
    assert event.timestamp is not None
    assert event.timestamp.isoformat() == "2026-03-02T10:00:00+00:00"


def test_a_cursor_keeps_its_type() -> None:
    values = (7, 7.5, "2026", date(2026, 3, 2), datetime(2026, 3, 2, 10), datetime(2026, 3, 2, tzinfo=UTC))  # noqa: DTZ001
    more = (Decimal("1.20"), UUID(int=7))
    assert [read_cursor(cursor_text(each)) for each in (*values, *more)] == [*values, *more]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"query": "SELECT 1"}, "behind :cursor"),
        ({"every": "1s"}, "is shorter than 30s"),
        ({"kinds": "customers"}, 'pulls.yaml:8:5: error unknown-key: no key "kinds"'),
        ({"key": "id"}, "only events have a key"),
    ],
)
def test_a_file_that_does_not_fit_says_where(tmp_path: Path, changed: JsonObject, said: str) -> None:
    pull: dict[str, Json] = {
        "kind": "customers",
        "url": "W",
        "query": "SELECT 1 WHERE :cursor > 0",
        "cursor": "n",
        "start": 0,
    }
    lines = "".join(f"    {name}: {value}\n" for name, value in {**pull, **changed}.items())
    (tmp_path / "pulls.yaml").write_text(f"pulls:\n  people:\n{lines}", encoding="utf-8")

    with pytest.raises(FileWrong, match=re.escape(said)):
        read_pulls(tmp_path / "pulls.yaml")


async def test_nothing_is_lost_or_there_twice_when_runs_meet(warehouse: Warehouse) -> None:
    rows = ", ".join(f"('c{n}', '', 'pro', '{LATER[0]}')" for n in range(50))
    await warehouse.run(f"INSERT INTO people VALUES {rows}")

    await asyncio.gather(*(warehouse.puller().run("people") for _ in range(2)))

    assert len(await warehouse.store.customers(100, None)) == 50


def test_the_file_of_the_docs_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/imports.md").read_text(encoding="utf-8")
    (tmp_path / "pulls.yaml").write_text(
        page.split("```\npulls:")[1].split("```")[0].join(("pulls:", "")), encoding="utf-8"
    )

    found = read_pulls(tmp_path / "pulls.yaml")

    assert {name: (pull.cursor, str(pull.interval)) for name, pull in found.items()} == {
        "people": ("updated_at", "0:15:00"),
        "logins": ("id", "0:15:00"),
    }
