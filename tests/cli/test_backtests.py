"""`perennia backtest`: a draft, held against the stored history."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from perennia.core.json_values import JsonObject
from perennia.store import open_store
from tests.support.commands import Ended, perennia
from tests.support.in_process import InProcess
from tests.support.installation import event, traits
from tests.support.stored_lives import dump
from tests.support.workspace_files import PLAYBOOK, write_workspace

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def filled(workspace: Path) -> Path:
    """The workspace with a store beside it in which three have signed up, one of them for nothing, on three days."""
    asyncio.run(_fill(workspace / "store.sqlite"))
    return workspace


async def _fill(file: Path) -> None:
    store = open_store(f"sqlite:///{file}")
    await store.migrate()
    for number, plan in enumerate(("pro", "pro", "free")):
        at, who = AT + timedelta(days=number), f"c{number}"
        told = traits(who, at, email=f"{who}@example.com", plan=plan)
        await store.accept([told, event(who, "Signed Up", at)], at)
    await store.close()


class Backtest(InProcess):
    def run(self, *arguments: str, **variables: str) -> Ended:
        return super().run("backtest", "hello", "--jobs", "1", *arguments, **variables)


@pytest.fixture
def command(filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Backtest:
    return Backtest(filled, capsys, monkeypatch)


def test_a_backtest_counts_what_a_draft_would_have_done_and_changes_nothing_in_the_store(command: Backtest) -> None:
    before = dump(command.file)

    ended = command.run("--since", "2026-03-03", "--until", "2026-04-01", "--json")

    assert ended.code == 0, ended.err
    (draft,) = cast("list[JsonObject]", ended.document["drafts"])
    assert draft == {
        "version": draft["version"],
        "entered": {"enrollments": 1, "customers": 1, "per_day": {"2026-03-03": 1}},
        "only_here": 1,
        "refused": {"failed_entry_filter": 1},
        "sent": {"email": {"total": 2, "per_day": {"2026-03-03": 1, "2026-03-05": 1}}},
        "by_step": {"hello/greet": 1, "hello/second": 1},
        "held": {},
        "skipped": {},
        "goals": 0,
        "conversions": 0,
        "ended": {"completed": 1},
        "load": {"busiest_day": {"day": "2026-03-03", "count": 1}, "per_day": {"2026-03-03": 1, "2026-03-05": 1}},
    }
    assert dump(command.file) == before


def test_several_processes_count_the_same(filled: Path, command: Backtest) -> None:
    options = ("--since", "2026-03-03", "--until", "2026-04-01", "--json")
    env = {"PERENNIA_STORE_URL": f"sqlite:///{command.file}"}

    both = [command.run(*options), perennia(filled, "backtest", "hello", "--jobs", "2", *options, env=env)]

    assert both[0].document["drafts"] == both[1].document["drafts"]


def test_two_drafts_stand_side_by_side(filled: Path, command: Backtest) -> None:
    other = write_workspace(filled / "other")
    (other / "playbooks/hello.yaml").write_text(PLAYBOOK.replace('traits.plan == "pro"', "'true'"), encoding="utf-8")

    ended = command.run("--since", "2026-03-01", "--until", "2026-04-01", "--against", "other")

    assert ended.code == 0, ended.err
    assert [line.split() for line in ended.out.splitlines()[3:8]] == [
        ["THIS", "DRAFT", "OTHER"],
        ["enrollments", "2", "3"],
        ["customers", "enrolled", "2", "3"],
        ["of", "them", "only", "here", "0", "1"],
        ["refused:", "failed_entry_filter", "1", "0"],
    ]
    assert "this draft: 0.1 a day on average; by week\n2026-02-23         0\n2026-03-02         4  ####" in ended.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "yesterday"), '--since: "yesterday" is no date; write a day like 2026-01-31'),
        (("--since", "2099-01-01"), "--since 2099-01-01 is not before now; name an earlier day"),
        (("--since", "2026-01-01", "--against", "published"), "nothing is published yet; leave out --against"),
        (
            ("--since", "2026-01-01", "--against", "nowhere"),
            "--against nowhere: there is no such folder; name a workspace",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(command: Backtest, options: tuple[str, ...], said: str) -> None:
    ended = command.run(*options)

    assert (ended.code, said in ended.err, ended.err.count("\n")) == (2, True, 1), ended.err


def test_no_store_is_made_by_looking_for_one(command: Backtest) -> None:
    command.file = command.file.with_name("nothing.sqlite")

    ended = command.run("--since", "2026-01-01")

    assert (ended.code, "there is no store at" in ended.err, command.file.exists()) == (3, True, False)
