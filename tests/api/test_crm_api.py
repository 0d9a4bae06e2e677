"""How a CRM is kept equal, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from perennia.api.app import create_app
from perennia.rendering.links import Links
from tests.support.api_world import ADMIN, HeardBells
from tests.support.crm_world import CrmWorld, crm_world


async def status(world: CrmWorld) -> Any:
    app = create_app(
        store=world.store,
        bells=HeardBells(),
        clock=world.lives.clock,
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    base = "https://perennia.example/api/v1"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base, headers=ADMIN) as client:
        return (await client.get("/crm")).json()


async def test_the_last_run_is_told_with_counts_cursors_and_what_was_refused(tmp_path: Path) -> None:
    async with crm_world(f"sqlite:///{tmp_path}/store.db") as world:
        assert await status(world) == []
        await world.tell("ana", email="ana@example.com")
        await world.tell("bo", email="bo@example.com", seats="many")
        await world.run()

        (crm,) = await status(world)

    assert (crm["crm"], crm["customers"]) == ("hubspot", {"account": {}, "contact": {"linked": 1, "refused": 1}})
    run = crm["run"]
    assert (run["started"], run["failure"], run["counts"]["contact"]["made_there"]) == ("2026-03-02T10:01:00Z", None, 1)
    assert run["refusals"] == [{"customer": "bo", "why": "HubSpot refused the message (400 VALIDATION_ERROR)"}]
    assert sorted(crm["cursors"]) == ["account", "contact"]
