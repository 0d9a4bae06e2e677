"""`perennia backtest`: what a draft would have done to everybody the store knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from perennia.catalog import rehearsal
from perennia.cli.backtest_report import in_json, say_figures
from perennia.cli.dates import instant_of
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Playbook
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.progress import progress_bar
from perennia.cli.rehearsal_commands import loaded_with
from perennia.cli.scenarios import WorkspaceRendering
from perennia.cli.speech import say_json
from perennia.cli.stored import store_of
from perennia.clock import WallClock
from perennia.core.calendar import find_zone
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.core.documents import Document, TemplateBody
from perennia.settings import Settings, load_settings
from perennia.simulate.reliving import Draft, draft_of

# What `--against` calls the current revision of the installation.
PUBLISHED: Final = "published"


def register(app: typer.Typer) -> None:
    app.command()(backtest)


def backtest(
    playbook: Playbook,
    since: Annotated[
        str,
        typer.Option(help="The day, or the instant, at which it would have been published.", metavar="DATE"),
    ],
    until: Annotated[str | None, typer.Option(help="Up to then; default: now.", metavar="DATE")] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Also this one, to compare: another workspace, or `published`.", metavar="DIR"),
    ] = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Processes; default: one a core.")] = None,
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Runs a draft over the stored history of all customers and says what it would have done. Touches nothing."""
    from perennia.cli.backtesting import run_backtest  # noqa: PLC0415 - loads the store's driver

    settings = load_settings(workspace, data)
    customers, published = asyncio.run(_look(settings, wants_published=against == PUBLISHED))
    loaded = loaded_with(workspace, playbook)
    documents = rehearsal(loaded)
    period = _Period(documents, since, until)
    drafts = [period.draft(documents, playbook)]
    if against is not None:
        drafts.append(period.draft(published or _elsewhere(against, playbook), playbook))
    started = time.perf_counter()
    with progress_bar("customers", customers, quiet=as_json) as progress:
        figures = run_backtest(settings, drafts, jobs, progress)
    seconds = time.perf_counter() - started
    if as_json:
        say_json(in_json(drafts, figures, seconds))
    else:
        say_figures(drafts, figures, against, seconds)


async def _look(settings: Settings, *, wants_published: bool) -> tuple[int, tuple[Document, ...]]:
    """How many customers there are, and the documents of the current revision where they are wanted."""
    async with store_of(settings) as store:
        customers = await store.count_lives()
        if not wants_published:
            return customers, ()
        revision = await store.current_revision()
        if revision is None:
            raise CommandError("nothing is published yet", "leave out --against, or name a folder", Exit.USAGE)
        return customers, (await store.catalog(revision.id)).current


def _elsewhere(folder: str, playbook: str) -> tuple[Document, ...]:
    if not Path(folder).is_dir():
        remedy = f"name a workspace, or `{PUBLISHED}`"
        raise CommandError(f"--against {folder}: there is no such folder", remedy, Exit.USAGE)
    return rehearsal(loaded_with(Path(folder), playbook))


class _Period:
    """From when to when, in the workspace's zone."""

    def __init__(self, documents: Sequence[Document], since: str, until: str | None) -> None:
        now = WallClock().now()
        self._zone = find_zone(_policies(documents).timezone)[0]
        self._since = instant_of("--since", since, self._zone)
        self._until = now if until is None else instant_of("--until", until, self._zone)
        if self._until > now:
            raise CommandError(
                f"--until {until} lies ahead", "a backtest looks back: name a day that is over", Exit.USAGE
            )
        if self._since >= self._until:
            raise CommandError(f"--since {since} is not before {until or 'now'}", "name an earlier day", Exit.USAGE)

    def draft(self, documents: Sequence[Document], playbook: str) -> Draft:
        templates = {
            each.id: msgspec.json.decode(each.body, type=TemplateBody) for each in documents if each.kind == "template"
        }
        rendering = WorkspaceRendering(templates)
        try:
            return draft_of(documents, playbook, self._since, self._until, rendering)
        except KeyError:
            raise CommandError(f'"{playbook}" is not published', "leave out --against", Exit.USAGE) from None


def _policies(documents: Sequence[Document]) -> Policies:
    bodies = (each.body for each in documents if each.kind == "policies")
    return next((Policies.model_validate_json(body) for body in bodies), NO_POLICIES)
