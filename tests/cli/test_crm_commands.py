"""`perennia crm`: beside a simulated HubSpot, on an installation's own store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.crm_world import MAP, crm_url, crm_world
from tests.support.in_process import InProcess


async def test_both_sides_are_made_equal_compared_and_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = InProcess(tmp_path, capsys, monkeypatch)
    (tmp_path / "crm.yaml").write_text(json.dumps(MAP), encoding="utf-8")
    async with crm_world(f"sqlite:///{command.file}") as world:
        monkeypatch.setenv("PERENNIA_CRM_URL", crm_url(world.server))
        await world.tell("ana", email="ana@example.com", seats=3)

        never = await asyncio.to_thread(command.run, "crm", "status")
        synced = await asyncio.to_thread(command.run, "crm", "sync", "--json")
        equal = await asyncio.to_thread(command.run, "crm", "reconcile")
        world.edit(world.record("ana"), seats="9")
        differs = await asyncio.to_thread(command.run, "crm", "reconcile", "--json")
        told = await asyncio.to_thread(command.run, "crm", "status", "--json")

    assert never.out.splitlines()[0] == "hubspot: never compared yet"
    assert json.loads(synced.out.splitlines()[-1])["counts"]["contact"]["made_there"] == 1
    assert (equal.code, equal.out.split(",")[:2]) == (0, ["1 equal", " 0 values differ"])
    difference = {"kind": "contact", "customer": "ana", "trait": "seats", "ours": 3, "theirs": 9}
    assert (differs.code, differs.document["differences"]) == (1, [difference])
    assert told.document["customers"] == {"account": {}, "contact": {"linked": 1}}


def test_without_a_crm_the_remedy_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = InProcess(tmp_path, capsys, monkeypatch)
    command.file.touch()

    ended = command.run("crm", "status")

    assert (ended.code, ended.err) == (
        2,
        "perennia: no CRM is kept equal; set crm_url, and write crm.yaml: docs/crm.md\n",
    )
