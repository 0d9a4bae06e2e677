"""`perennia segment`: who belongs to one, read from the store itself."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennia.store import open_store
from tests.support.in_process import InProcess
from tests.support.installation import traits
from tests.support.lives import documents
from tests.support.stored_lives import StoredLives

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = """
policies: default
topics: {news: {kind: opt_in, name: News}}
---
segment: pros
when: traits.plan == "pro"
"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    asyncio.run(_fill(tmp_path / "store.sqlite"))
    return tmp_path


async def _fill(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    await store.migrate()
    lives = StoredLives(store, AT)
    await lives.publish(documents(TEXT))
    told = [traits(f"c{n}", AT, plan="pro", email=f"c{n}@example.com") for n in range(2)]
    await lives.happen(AT, *told, traits("c2", AT, plan="pro", note="=1+1"), traits("c3", AT, plan="free"))
    await store.close()


@pytest.fixture
def command(filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> InProcess:
    return InProcess(filled, capsys, monkeypatch)


def test_the_size_says_who_could_not_be_written_to(command: InProcess) -> None:
    ended = command.run("segment", "size", "pros", "--topic", "news", "--json", "-j", "1")

    assert ended.document == {"members": 3, "reached": 0, "left_out": {"missing_address": 1, "no_consent": 2}}


def test_an_export_is_safe_in_a_spreadsheet(command: InProcess) -> None:
    ended = command.run("segment", "export", "pros", "--trait", "note", "-j", "1")

    head, *lines = ended.out.split()
    assert head == "id,account,email,note"
    assert sorted(lines) == ["c0,,c0@example.com,", "c1,,c1@example.com,", "c2,,,'=1+1"]


def test_an_export_as_jsonl_keeps_values_as_they_are(command: InProcess) -> None:
    ended = command.run("segment", "export", "--where", "has(traits.note)", "--trait", "note", "--format", "jsonl")

    assert json.loads(ended.out) == {"id": "c2", "account": None, "email": None, "note": "=1+1"}


def test_a_condition_that_does_not_compile_says_what_is_wrong(command: InProcess) -> None:
    ended = command.run("segment", "size", "--where", "traits.plan ==")

    assert ended.code == 2
    assert ended.err.startswith("perennia: the condition does not compile:")


def test_a_list_shows_members_and_the_traits_that_are_asked_for(command: InProcess) -> None:
    ended = command.run("segment", "list", "pros", "--trait", "plan", "--json", "-j", "1")

    rows = json.loads(ended.out)
    assert sorted((row["id"], row["plan"]) for row in rows) == [("c0", "pro"), ("c1", "pro"), ("c2", "pro")]


@pytest.mark.slow
def test_several_processes_find_everybody_once_and_leave_none_out(command: InProcess) -> None:
    asyncio.run(_crowd(command.file, 6_000))

    ended = command.run("segment", "export", "--where", "true", "--format", "jsonl", "-j", "3")
    counted = command.run("segment", "size", "pros", "--json", "-j", "3")

    found = [json.loads(line)["id"] for line in ended.out.splitlines()]
    assert (len(found), len(set(found))) == (6_004, 6_004)
    assert counted.document["members"] == 3_003


async def _crowd(file: Path, count: int) -> None:
    """People whose turn nobody has taken yet."""
    store = open_store(f"sqlite:///{file}")
    told = [traits(f"n{n}", AT, plan=("pro", "free")[n % 2]) for n in range(count)]
    for start in range(0, count, 1_000):
        await store.accept(told[start : start + 1_000], AT)
    await store.close()
