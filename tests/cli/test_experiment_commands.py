"""`perennia experiment report`, beside a served API and a real store."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.in_process import InProcess
from tests.support.installation import event
from tests.support.served_commands import Run, served_commands

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TEXT = """
policies: default
timezone: UTC
---
playbook: welcome
enter: {on: [{event: Go}], holdout: 50%}
goal: {event: Bought, within: 10d}
steps:
  - id: offer
    split: {small: {share: 50, then: [{milestone: small}]}, large: {share: 50, then: [{milestone: large}]}}
---
playbook: plain
enter: {on: [{event: Go}]}
goal: {event: Bought}
steps: [{milestone: there}]
"""
# By SHA-256 dan and gus are held out; ann and cid go the large way, bob the small one.
PEOPLE = ("ann", "bob", "cid", "dan", "gus")


@pytest.fixture
async def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Run]:
    happened = [*(event(who, "Go", START) for who in PEOPLE), event("ann", "Bought", START)]
    async with served_commands(InProcess(tmp_path, capsys, monkeypatch), TEXT, START, happened) as run:
        yield run


async def test_a_report_compares_both_sides_and_the_variants(run: Run) -> None:
    shown = (await run("experiment", "report", "welcome")).out.splitlines()

    assert shown[0] == "welcome: goal Bought, within 10d from entry; entered since 2026-03-02"
    assert (shown[2], shown[3].split()[:2]) == ("holdout (against holdout)", ["CUSTOMERS", "CONVERTED"])
    assert shown[4].split()[:4] == ["holdout", "2", "0", "0.00%"]
    assert shown[5].split()[:6] == ["treated", "3", "1", "33.33%", "(6.15%", "to"]
    assert [line.split()[:3] for line in shown if line.startswith(("small", "large"))] == [
        ["large", "2", "1"],
        ["small", "1", "0"],
    ]


async def test_one_split_alone_as_json(run: Run) -> None:
    found = cast("dict[str, Any]", (await run("experiment", "report", "welcome/offer", "--json")).document)
    (offer,) = found["comparisons"]
    assert (offer["of"], offer["baseline"]) == ("offer", "large")
    assert [(side["name"], side["customers"], side["converted"]) for side in offer["sides"]] == [
        ("large", 2, 1),
        ("small", 1, 0),
    ]


async def test_a_playbook_that_compares_nothing_says_what_it_takes(run: Run) -> None:
    plain = await run("experiment", "report", "plain")
    nowhere = await run("experiment", "report", "welcome/offers")

    assert (plain.code, nowhere.code) == (4, 4)
    assert "it needs a `goal`, and a `holdout` or a `split`" in plain.err
    assert nowhere.err == "perennia: welcome compares nothing at 'offers'; it does at: holdout, offer\n"
