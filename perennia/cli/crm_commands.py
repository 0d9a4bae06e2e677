"""`perennia crm ...`: how a CRM is kept equal, and doing it now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Workspace
from perennia.cli.speech import note, say, say_json, say_table
from perennia.cli.stored import store_of
from perennia.crm.reconciling import Reconciliation, reconcile
from perennia.crm.sync_reports import RUN, SyncReport, read_report
from perennia.crm.syncing import KINDS, CrmSync
from perennia.providers.failures import Misconfigured, ProviderFailure
from perennia.settings import load_settings
from perennia.wiring import build_crm, build_crm_sync

T = TypeVar("T")

SHOWN = 20

crm = typer.Typer(
    help="Shows how customers and the CRM's records are kept equal, and does it now.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(crm, name="crm")


@crm.command()
def status(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Shows the last run, and how many customers are linked to records."""

    async def look(sync: CrmSync) -> None:
        name = sync.provider.name
        notes = await sync.store.crm_notes(name)
        counts = await sync.store.crm_counts(name)
        report = read_report(notes[RUN].value) if RUN in notes else None
        if as_json:
            linked = {kind: {state: many for (of, state), many in counts.items() if of == kind} for kind in KINDS}
            say_json({"crm": name, "run": report, "customers": linked})
            return
        say(f"{name}: {_said(report)}")
        states = ("linked", "refused", "gone", "merged")
        rows = [(f"{kind}s", *(f"{counts.get((kind, state), 0):,}" for state in states)) for kind in KINDS]
        say_table(("CUSTOMERS", *(state.upper() for state in states)), rows)
        _tell(report)

    _with(workspace, data, look)


@crm.command()
def sync(workspace: Workspace = HERE, as_json: AsJson = False, data: Data = None) -> None:
    """Compares both sides now and takes each change to the other."""

    async def run(sync: CrmSync) -> SyncReport:
        position: str | None = ""
        while position is not None:
            position = await sync.step(position)
            if position is not None and not as_json:
                note(position.partition(":")[0])
        return read_report((await sync.store.crm_notes(sync.provider.name))[RUN].value)

    report = _with(workspace, data, run)
    if as_json:
        say_json(report)
        return
    _tell(report)


@crm.command("reconcile")
def reconcile_all(
    repair: Annotated[
        bool, typer.Option("--repair", help="Let the next run settle what differs, as the map says who wins.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Reads everybody on both sides and lists what differs. Ends with 1 where something does."""

    async def compare(sync: CrmSync) -> Reconciliation:
        repair_at = sync.clock.now() if repair else None
        return await reconcile(sync.store, sync.provider, sync.map, repair_at=repair_at)

    found = _with(workspace, data, compare)
    if as_json:
        say_json(msgspec.to_builtins(found))
    else:
        say(
            f"{found.equal:,} equal, {len(found.differences):,} values differ, {len(found.unlinked):,} customers are not in the "
            f"CRM, {found.gone:,} were deleted or merged there, {len(found.lost):,} lost, {found.strangers:,} records are "
            "no customers"
        )
        rows = [
            (one.kind, one.customer, one.trait, _shown(one.ours), _shown(one.theirs))
            for one in found.differences[:SHOWN]
        ]
        if rows:
            say_table(("KIND", "CUSTOMER", "TRAIT", "HERE", "IN THE CRM"), rows)
    if not found.agrees:
        raise typer.Exit(Exit.FINDINGS)


def _with(workspace: Path, data: Path | None, use: Callable[[CrmSync], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _opened(workspace, data) as sync:
            return await use(sync)

    try:
        return asyncio.run(run())
    except Misconfigured as failure:
        raise CommandError(str(failure), "docs/crm.md shows how to connect", Exit.USAGE) from failure
    except ProviderFailure as failure:
        remedy = "run it again: it goes on where it was" if _may_pass(failure) else "docs/crm.md"
        raise CommandError(str(failure), remedy, Exit.UNREACHABLE) from failure


@asynccontextmanager
async def _opened(workspace: Path, data: Path | None) -> AsyncGenerator[CrmSync]:
    settings = load_settings(workspace, data)
    async with store_of(settings) as store:
        sync = build_crm_sync(settings, store, build_crm(settings), lambda _: None)
        if sync is None:
            remedy = "set crm_url, and write crm.yaml: docs/crm.md"
            raise CommandError("no CRM is kept equal", remedy, Exit.USAGE)
        try:
            yield sync
        finally:
            await sync.provider.close()


def _may_pass(failure: ProviderFailure) -> bool:
    return type(failure).__name__ == "Unavailable"


def _said(report: SyncReport | None) -> str:
    if report is None:
        return "never compared yet"
    if report.failure is not None:
        return f"the run of {report.started:%Y-%m-%d %H:%M} UTC is held up: {report.failure}"
    if report.ended is None:
        return f"compared since {report.started:%Y-%m-%d %H:%M} UTC"
    return f"compared at {report.ended:%Y-%m-%d %H:%M} UTC"


def _tell(report: SyncReport | None) -> None:
    if report is None:
        return
    names = tuple(report.counts["contact"].__struct_fields__)
    rows = [(f"{kind}s", *(f"{getattr(report.counts[kind], name):,}" for name in names)) for kind in KINDS]
    say_table(("LAST RUN", *(name.upper().replace("_", " ") for name in names)), rows)
    for one in report.refusals:
        say(f"refused: {one.customer}: {one.why}", "yellow")


def _shown(value: object) -> str:
    return "" if value is None else str(value)
