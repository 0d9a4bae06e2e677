"""`perennia retention`: for how long what is kept, and what is too old by now."""
# ruff: noqa: PLC0415 - the engine takes a second or two to load, which other commands need not wait for

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import typer

from perennia.cli.options import HERE, AsJson, Data, Workspace
from perennia.cli.speech import say_json, say_table
from perennia.cli.stored import store_of
from perennia.settings import Settings, load_settings


@dataclass(frozen=True)
class Looked:
    """``before``: what is older goes. ``rows``: how many are, or were deleted."""

    kind: str
    kept: str
    before: datetime
    rows: int
    last_run: datetime | None


def register(app: typer.Typer) -> None:
    app.command()(retention)


def retention(
    now: Annotated[bool, typer.Option("--now", help="Delete it at once, instead of counting it.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Counts what is older than the setting `retention` keeps it. The workers delete it once a day."""
    looked = asyncio.run(_look(load_settings(workspace, data), now=now))
    if as_json:
        say_json([asdict(each) for each in looked])
        return
    rows = [
        (one.kind, one.kept, f"{one.before:%Y-%m-%d}", f"{one.rows:,}", f"{one.last_run:%Y-%m-%d %H:%M}")
        if one.last_run is not None
        else (one.kind, one.kept, f"{one.before:%Y-%m-%d}", f"{one.rows:,}", "never")
        for one in looked
    ]
    say_table(("KIND", "KEPT", "OLDER THAN", "DELETED" if now else "TOO OLD", "LAST RUN (UTC)"), rows)


async def _look(settings: Settings, *, now: bool) -> list[Looked]:
    from perennia.wiring import build_clock, build_retention

    async with store_of(settings) as store:
        retention = build_retention(settings, store)
        ran = {each.kind: each.at for each in await store.retention_runs()}
        looked: list[Looked] = []
        for kind in retention.periods:
            before = await retention.cutoff(kind, build_clock(settings).now())
            rows = await (retention.forget(kind) if now else retention.count(kind))
            kept = settings.retention.get(kind, f"{retention.periods[kind].days}d")
            looked.append(Looked(kind.value, kept, before, rows, ran.get(kind)))
        return looked
