"""Files taken in by command: what is wrong is said by row and column, and the same again changes nothing."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import pyarrow
import pyarrow.parquet
import pytest

from perennia.clock import WallClock
from perennia.core.decisions import CustomerEvent
from perennia.core.json_values import JsonObject
from perennia.files.reading import read_rows
from perennia.importing.mapping import ColumnMap
from perennia.importing.running import Import
from perennia.store import SqlStore, open_store
from perennia.store.import_records import ImportState
from tests.support.commands import Ended
from tests.support.in_process import InProcess
from tests.support.installation import publish
from tests.support.posts import take_turn

T = TypeVar("T")
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Desk:
    """A folder with a store, commands that run there, and looks into the store."""

    def __init__(self, commands: InProcess) -> None:
        self._commands = commands
        self.folder = commands.folder
        self.look(lambda store: store.migrate())

    def look(self, question: Callable[[SqlStore], Awaitable[T]]) -> T:
        async def answer() -> T:
            store = open_store(f"sqlite:///{self._commands.file}")
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(answer())

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *words: str) -> Ended:
        return self._commands.run("import", *words)

    def pull(self, *words: str) -> Ended:
        return self._commands.run("pull", *words)

    def traits(self, who: str) -> JsonObject:
        async def found(store: SqlStore) -> JsonObject:
            await take_turn(store, who)
            state = (await store.customer(await store.find(who)))[1]
            return {} if state is None else state.facts.traits

        return self.look(found)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(InProcess(tmp_path, capsys, monkeypatch))


PEOPLE = """user_id;E-Mail;plan;seats;zip;note;active
ana;ana@example.com;pro;20;01234;'=1+1;true
;nobody@example.com;pro;;;;
ben;ben@example.com;free;;99;-;FALSE
"""


def test_customers_of_a_spreadsheet(desk: Desk) -> None:
    desk.write("people.csv", PEOPLE)

    looked = desk.run("customers", "people.csv", "--map", "E-Mail=email", "--text", "zip", "--dry-run")
    taken = desk.run("customers", "people.csv", "--map", "E-Mail=email", "--text", "zip")
    again = desk.run("customers", "people.csv", "--map", "E-Mail=email", "--text", "zip", "--again", "--json")

    refused = "people.csv: row 2, column user_id: there is no id; name its column with --map COLUMN=id\n"
    read_as = (
        "user_id -> id\nE-Mail -> email\nplan -> plan\nseats -> seats\nzip -> zip\nnote -> note\nactive -> active\n"
    )
    assert (looked.code, looked.out) == (1, f"{read_as}{refused}2 can be read, 1 refused\n")
    assert (taken.code, taken.out) == (1, f"{refused}2 taken, 0 known already, 1 refused\n")
    state = cast("JsonObject", again.document["import"])
    assert (state["taken"], state["known"], state["bad"], state["done"]) == (0, 2, 1, True)
    ana = {"email": "ana@example.com", "plan": "pro", "seats": 20, "zip": "01234", "note": "=1+1", "active": True}
    assert desk.traits("ana") == ana
    assert desk.traits("ben") == {"email": "ben@example.com", "plan": "free", "zip": "99", "note": "-", "active": False}


def test_what_others_call_the_traits_that_perennia_reads(desk: Desk) -> None:
    desk.write(
        "people.csv", "Contact ID,E-mail Address,First Name,Time Zone,Plan\nana,ana@example.com,Ana,Europe/Madrid,pro\n"
    )

    desk.run("customers", "people.csv")

    ana = {"email": "ana@example.com", "first_name": "Ana", "timezone": "Europe/Madrid", "Plan": "pro"}
    assert desk.traits("ana") == ana


def test_events_are_history_that_starts_nothing_and_counts(desk: Desk) -> None:
    desk.look(lambda store: publish(store, desk.folder / "workspace", START))
    desk.write("customers.jsonl", '{"id": "ana", "account": "acme"}\n')
    lines = [
        {"customer": "ana", "event": "Account Created", "at": f"2025-0{n}-01T00:00:00Z", "properties": {"by": "old"}}
        for n in (1, 2)
    ]
    desk.write("events.jsonl", "\n".join(json.dumps(each) for each in [*lines, lines[0], {"customer": "ana"}, 7]))
    desk.run("customers", "customers.jsonl")

    taken = desk.run("events", "events.jsonl")

    assert taken.out.splitlines() == [
        "events.jsonl: row 4: there is no event; name its column with --map COLUMN=event",
        "events.jsonl: row 5: is no JSON object: Expected `object`, got `int`",
        "2 taken, 1 known already, 2 refused",
    ]

    async def seen(store: SqlStore) -> tuple[int, tuple[CustomerEvent, ...], tuple[CustomerEvent, ...]]:
        inputs = (await take_turn(store, "ana")).inputs
        of = [await store.history(await store.find(who), ["Account Created"]) for who in ("ana", "acme")]
        return sum(isinstance(each, CustomerEvent) for each in inputs), of[0], of[1]

    acted_upon, ana, acme = desk.look(seen)
    assert acted_upon == 0
    assert [(each.timestamp, each.properties) for each in ana] == [
        (datetime(2025, 1, 1, tzinfo=UTC), {"by": "old"}),
        (datetime(2025, 2, 1, tzinfo=UTC), {"by": "old"}),
    ]
    assert len(acme) == 2


def test_parquet_keeps_what_its_columns_are(desk: Desk) -> None:
    rows = [{"id": "ana", "seats": 7, "since": datetime(2025, 1, 1, tzinfo=UTC), "code": "007", "none": None}]
    arrow, parquet = cast("Any", pyarrow), cast("Any", pyarrow.parquet)  # they have no types
    parquet.write_table(arrow.Table.from_pylist(rows), desk.folder / "people.parquet")

    assert desk.run("customers", "people.parquet").out == "1 taken, 0 known already, 0 refused\n"

    assert desk.traits("ana") == {"seats": 7, "since": "2025-01-01T00:00:00Z", "code": "007"}


def test_consents_and_suppressions(desk: Desk) -> None:
    desk.write("people.csv", "id,email\nana,ana@example.com\n")
    desk.write(
        "said.csv", "customer,topic,given,at,form\nana,tips,yes,2025-05-01,f-17\nana,tips,perhaps,,\nkim,tips,no,,\n"
    )
    desk.write("closed.csv", "Email,Reason\nbad@example.com,bounced\nno address,\n")
    desk.run("customers", "people.csv")

    said, closed = desk.run("consents", "said.csv"), desk.run("suppressions", "closed.csv")

    assert said.out.splitlines() == [
        "said.csv: row 2, column given: 'perhaps' is neither yes nor no",
        "said.csv: row 3: there is no contact 'kim'; import the customers first",
        "1 taken, 0 known already, 2 refused",
    ]
    assert closed.out.splitlines() == [
        "closed.csv: row 2, column address: 'no address' is no email address",
        "1 taken, 0 known already, 1 refused",
    ]

    async def records(store: SqlStore) -> list[tuple[datetime, JsonObject]]:
        return [(each.at, each.proof) for each in await store.consent_records(await store.find("ana"))]

    assert desk.look(records) == [(datetime(2025, 5, 1, tzinfo=UTC), {"form": "f-17"})]


def test_an_import_that_is_broken_off_goes_on_behind_its_last_batch(desk: Desk) -> None:
    file = desk.write("many.csv", "id,n\n" + "".join(f"c{n},{n}\n" for n in range(2400)))
    begun = ImportState(id="i", kind="customers", name="many.csv", at=START)
    seen: list[int] = []

    class Broken(Exception):
        pass

    def tell(state: ImportState) -> None:
        seen.append(state.row)
        if seen == [1000, 2000]:
            raise Broken

    async def broken_off(store: SqlStore) -> ImportState:
        run = Import(store, WallClock(), ColumnMap("customers", {}), tell)
        with pytest.raises(Broken):
            await run.run(read_rows(file), begun)
        kept = await store.import_state("i")
        assert kept is not None
        assert (kept.row, kept.taken) == (2000, 2000)
        return (await run.run(read_rows(file), kept)).state

    ended = desk.look(broken_off)

    assert (ended.row, ended.taken, ended.known, ended.done) == (2400, 2400, 0, True)
    assert seen == [1000, 2000, 2400, 2400]


def test_a_file_and_a_mapping_that_are_none(desk: Desk) -> None:
    desk.write("people.xlsx", "")
    desk.write("map.yaml", "traits: {}")
    desk.write("people.csv", "id,id\n")

    assert "name it .csv, .tsv, .jsonl, .ndjson, .parquet" in desk.run("customers", "people.xlsx").err
    assert "write columns: {COLUMN: TARGET}" in desk.run("customers", "people.csv", "--mapping", "map.yaml").err
    assert "does not name the columns, each once" in desk.run("customers", "people.csv").err


def test_a_database_is_read_by_command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(
        "pulls.yaml",
        "pulls:\n  people:\n    kind: customers\n    url: WAREHOUSE\n    cursor: n\n    start: 0\n"
        "    query: SELECT id, plan, n FROM people WHERE n > :cursor ORDER BY n\n",
    )
    with closing(sqlite3.connect(desk.folder / "warehouse.db")) as connection:
        connection.executescript(
            "CREATE TABLE people (id, plan, n); INSERT INTO people VALUES ('ana', 'pro', 7), ('', '', 8)"
        )
    unset = desk.pull("run", "people")
    monkeypatch.setenv("WAREHOUSE", f"sqlite:///{desk.folder}/warehouse.db")

    looked, taken, again = (desk.pull("run", "people", *words) for words in (("--dry-run",), (), ()))

    refused = "people: row 2, column id: there is no id; name its column with --map COLUMN=id\n"
    assert (unset.code, unset.err) == (
        3,
        "perennia: people: the variable WAREHOUSE is not set; set it to the database's address, where workers run\n",
    )
    assert (looked.code, looked.out) == (
        1,
        f"id -> id\nplan -> plan\nn -> left out\n{refused}1 can be read, 0 known already, 1 refused\n",
    )
    assert (taken.code, taken.out) == (1, f"{refused}1 taken, 0 known already, 1 refused\n")
    assert (again.code, again.out) == (0, "0 taken, 0 known already, 0 refused\n")
    assert desk.traits("ana") == {"plan": "pro"}
    told = desk.pull("status", "people").out.splitlines()
    assert told[1:3] == ["read up to 8", "1 rows taken, 0 known already, 1 refused"]
    assert told[3].endswith("row at 8, column id: there is no id; name its column with --map COLUMN=id")
    assert desk.pull("list").out.splitlines()[1].split()[:3] == ["people", "customers", "15m"]
    assert "there are: people" in desk.pull("run", "peoples").err
