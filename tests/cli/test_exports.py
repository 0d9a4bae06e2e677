"""All of one kind in a file, and back again."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet
import pytest

from perennia.store import open_store
from perennia.store.sql import SqlStore
from tests.support.in_process import InProcess
from tests.support.posts import AT, account_traits, event, later, member, settle, traits

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def lived(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    await store.migrate()
    await store.accept([account_traits("m1", "acme", name="Acme"), member("m2", "ana", "acme")], AT)
    await store.accept([traits("m3", "ana", email="ana@x.io", note="=1+1", tags=["a"]), event("m4", "ana", n=1)], AT)
    await store.accept([event("m5", "ben", "Left")], AT)
    await settle(store, "acme", "ana", "ben")
    await store.consent(await store.find("ana"), "tips", given=True, at=AT, source="form")
    await store.suppress("=bad@x.io", "bounced", AT)
    await store.close()


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> InProcess:
    commands = InProcess(tmp_path, capsys, monkeypatch)
    asyncio.run(lived(commands.file))
    return commands


def test_customers_as_csv_are_safe_in_a_spreadsheet_and_come_back_as_they_were(desk: InProcess) -> None:
    ended = desk.run("export", "customers", "people.csv")

    assert (ended.code, ended.err) == (0, "2 customers written to people.csv\n")
    rows = list(csv.DictReader((desk.folder / "people.csv").read_text(encoding="utf-8").splitlines()))
    ana = next(row for row in rows if row["id"] == "ana")
    assert (ana["account"], ana["email"], ana["note"], ana["tags"]) == ("acme", "ana@x.io", "'=1+1", '["a"]')
    assert desk.run("import", "customers", "people.csv").out == "2 taken, 0 known already, 0 refused\n"


def test_events_and_messages_and_the_rest(desk: InProcess) -> None:
    for kind in ("events", "messages", "consents", "suppressions", "accounts"):
        assert desk.run("export", kind, f"{kind}.jsonl").code == 0

    def lines(kind: str) -> list[object]:
        return [json.loads(line) for line in (desk.folder / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()]

    at = "2026-03-02T09:00:00Z"
    event = {"customer": "ana", "event": "Viewed", "at": at, "message_id": "m4", "properties": {"n": 1}}
    assert sorted(map(str, lines("events")))[0] == str(event)
    assert len(lines("events")) == 2
    assert lines("messages") == []
    assert lines("consents") == [{"customer": "ana", "topic": "tips", "given": True, "at": at, "source": "form"}]
    assert lines("suppressions") == [{"address": "=bad@x.io", "reason": "bounced", "at": at}]
    assert lines("accounts") == [{"name": "Acme", "id": "acme", "first_seen": at}]


def test_parquet(desk: InProcess) -> None:
    desk.run("export", "events", "events.parquet")
    rows = cast("Any", pyarrow.parquet).read_table(desk.folder / "events.parquet").to_pylist()
    assert {(row["event"], row["properties"]) for row in rows} == {("Viewed", '{"n":1}'), ("Left", "{}")}


async def test_pages_hold_everything_once(store: SqlStore) -> None:
    await store.accept([event(f"m{n}", f"c{n % 3}", f"E{n}") for n in range(7)], later(days=1))
    seen: list[object] = []
    after: str | None = None
    while True:
        page = await store.extract_page("events", after, 2)
        seen += [row["event"] for row in page.rows]
        after = page.after
        if after is None:
            break
    assert sorted(map(str, seen)) == [f"E{n}" for n in range(7)]


def test_a_file_of_no_known_kind(desk: InProcess) -> None:
    assert "name a file that ends with .csv, .jsonl, .parquet" in desk.run("export", "events", "events.txt").err


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'pages.sqlite'}")
    await store.migrate()
    yield store
    await store.close()
