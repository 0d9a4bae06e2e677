"""`perennia simulate`: what a playbook would do to one customer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from perennia.catalog import Workspace, load_workspace, rehearsal
from perennia.catalog.drafts import published_files, with_drafts_found
from perennia.catalog.parsing import parse_model
from perennia.catalog.reading import read_file
from perennia.catalog.releasing import draft_documents
from perennia.catalog.scenario_models import Scenario
from perennia.catalog.yaml_source import read_documents
from perennia.cli.dates import instant_of
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Playbook, who
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.scenarios import WorkspaceRendering
from perennia.cli.speech import note, say, say_json
from perennia.clock import WallClock
from perennia.core.calendar import EPOCH, Span, SpanError, find_zone, parse_span
from perennia.core.definitions import NO_POLICIES
from perennia.core.documents import Document
from perennia.core.json_values import JsonObject
from perennia.core.lives import Household
from perennia.picture.page import page_of
from perennia.settings import Settings, load_settings
from perennia.simulate.reliving import draft_of
from perennia.simulate.report import after_start
from perennia.simulate.simulation import Decided, OtherScope, Simulation, simulate_life, simulate_scenario
from perennia.store.port import Store, StoreError, UnknownCustomer
from perennia.why.evidence import local_time
from perennia.why.wording import put_in_words

NOW: Final = "now"


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    playbook: Playbook,
    customer: Annotated[
        str,
        typer.Option(
            help="A file as in a scenario (customer, start, when, policies), or the id of a customer in the store.",
            metavar="FILE|ID",
        ),
    ],
    until: Annotated[
        str, typer.Option(help="How long: from its start, or for a stored customer from now.", metavar="SPAN")
    ] = "90d",
    since: Annotated[
        str | None,
        typer.Option(
            help="Stored customers: as if published on this day or at this instant, or `now`; default: before they came.",
            metavar="DATE",
        ),
    ] = None,
    enroll: Annotated[bool, typer.Option("--enroll", help="Stored customers: they are enrolled by hand now.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Also write a page with a picture of the path taken.", metavar="FILE", dir_okay=False),
    ] = None,
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Lets one customer live through a playbook in virtual time and prints what happens, when and why. Touches nothing."""
    span = _span(until)
    loaded = loaded_with(workspace, playbook)
    found = asyncio.run(_look_up(customer, load_settings(workspace, data)))
    if isinstance(found, _Stored):
        simulated = _Trial(loaded, playbook, span).of_stored(found, since, enroll=enroll)
    elif since is not None or enroll:
        raise CommandError(
            "--since and --enroll are for stored customers", "write `enroll` into the file's `when`", Exit.USAGE
        )
    else:
        scenario = with_drafts_found(workspace, str(found.resolve()), _scenario(found, playbook, span.text))
        published = _published(workspace, scenario)
        loaded = loaded_with(workspace, playbook, published) if published else loaded
        simulated = _Trial(loaded, playbook, span).of_scenario(scenario)
    if html is not None:
        html.write_text(page_of(simulated), encoding="utf-8")
        note(f"the picture is in {html}")
    if as_json:
        say_json(_in_json(simulated))
    else:
        _say_timeline(simulated)


def _span(text: str) -> Span:
    try:
        return parse_span(text)
    except SpanError as error:
        raise CommandError(f"--until: {error}", None, Exit.USAGE) from None


@dataclass(frozen=True)
class _Stored:
    """A customer of the store (internal id) with everybody it lives with, and what time the installation has."""

    id: str
    household: Household
    now: datetime


async def _look_up(customer: str, settings: Settings) -> Path | _Stored:
    """The file, or the stored customer. Raises `CommandError` where it is neither, or could be either."""
    from perennia.cli.stored import store_of  # noqa: PLC0415 - loads the store's driver

    file = Path(customer)
    if file.is_file() and (file.suffix in (".yaml", ".yml") or len(file.parts) > 1):
        return file
    try:
        async with store_of(settings) as store:
            stored = await _find(store, customer, WallClock(settings.time_scale, settings.time_origin).now())
    except (CommandError, StoreError) as error:
        if file.is_file():
            return file
        if isinstance(error, UnknownCustomer):
            message = f"there is no file {customer}, and no customer of this id in the store"
            raise CommandError(message, "`perennia customers` lists them") from None
        raise
    if file.is_file():
        remedy = f"write ./{customer} for the file, or {stored.id} for the customer"
        raise CommandError(f"{customer} is a file here and a customer in the store", remedy, Exit.USAGE)
    return stored


async def _find(store: Store, customer: str, now: datetime) -> _Stored:
    id_ = await store.find(customer)
    households = await store.households(1, of=id_)
    if not households:
        raise UnknownCustomer(customer)  # erased: there is nothing left to live through
    seen = next(life.first_seen for life in households[0] if life.id == id_)
    if seen > now:
        message = f"{customer} was first seen at {seen:%Y-%m-%d %H:%M} UTC, which lies ahead"
        remedy = "set PERENNIA_TIME_SCALE and PERENNIA_TIME_ORIGIN as the installation has them"
        raise CommandError(message, remedy, Exit.USAGE)
    return _Stored(id_, households[0], now)


def _published(workspace: Path, scenario: Scenario) -> tuple[str, ...]:
    """The workspace's files that it publishes on its way. Raises `CommandError` where there is no such file."""
    files = published_files(scenario)
    for file in files:
        if not (workspace / file).is_file():
            raise CommandError(f'no file "{file}" to publish', "name it from the workspace", Exit.USAGE)
    return files


class _Trial:
    """The playbook of this workspace, tried out for so long."""

    def __init__(self, loaded: Workspace, playbook: str, span: Span) -> None:
        self._playbook = playbook
        self._span = span
        self._documents: Sequence[Document] = rehearsal(loaded)
        self._policies = loaded.policies or NO_POLICIES
        self._drafts = draft_documents(loaded)
        self._rendering = WorkspaceRendering(loaded.templates)

    def of_scenario(self, scenario: Scenario) -> Simulation:
        return simulate_scenario(self._documents, scenario, self._playbook, self._rendering, self._drafts)

    def of_stored(self, stored: _Stored, since: str | None, *, enroll: bool) -> Simulation:
        draft = draft_of(
            self._documents,
            self._playbook,
            self._published(since, stored.now),
            stored.now,
            self._rendering,
            everything=True,
        )
        by = who() if enroll else None
        try:
            return simulate_life(self._documents, draft, stored.household, stored.id, self._span, enrolled_by=by)
        except OtherScope as error:
            remedy = f"name one of {', '.join(error.others[:5])}" if error.others else f"name another {error.scope}"
            raise CommandError(str(error), remedy, Exit.USAGE) from None

    def _published(self, since: str | None, now: datetime) -> datetime:
        if since in (None, NOW):
            return EPOCH if since is None else now
        told = instant_of("--since", since, find_zone(self._policies.timezone)[0])
        if told > now:
            raise CommandError(f"--since {since} lies ahead", f"name a day that is over, or `{NOW}`", Exit.USAGE)
        return told


def _in_json(simulated: Simulation) -> JsonObject:
    return {
        "customer": simulated.customer,
        "playbook": simulated.playbook,
        "zone": simulated.calendar.zone.key,
        "start": simulated.start.isoformat(),
        "now": None if simulated.now is None else simulated.now.isoformat(),
        "until": simulated.until.isoformat(),
        "timeline": [{"at": one.at.isoformat(), "what": str(one)} for one in simulated.timeline],
        "decisions": [
            msgspec.to_builtins(each.entry) | ({} if each.contact is None else {"contact": each.contact})
            for each in simulated.decisions
        ],
    }


def _say_timeline(simulated: Simulation) -> None:
    say(f"{simulated.customer}, times in {simulated.calendar.zone.key}", "bold")
    told = [each for each in simulated.decisions if simulated.matters(each.entry)]
    past = [each for each in told if simulated.now is not None and each.entry.at < simulated.now]
    if not told:
        say("Nothing was decided: no trigger fired.")
    for each in past:
        _say_decision(each, simulated)
    if simulated.now is not None:
        say(
            f"-- {local_time(simulated.now, simulated.calendar.zone)} is now; what follows is if nobody does anything --"
        )
    for each in told[len(past) :]:
        _say_decision(each, simulated)
    left_out = len(simulated.decisions) - len(told)
    if left_out:
        say(
            f"left out: {left_out} moves in tracks and health scores that the playbook does not read (see --json)",
            "dim",
        )


def _say_decision(decided: Decided, simulated: Simulation) -> None:
    """In front of what happens to somebody made up stands how long after the start: what `at` would have to say."""
    entry, zone = decided.entry, simulated.calendar.zone
    line = put_in_words(entry, zone)
    after = "" if simulated.now else f"{after_start(entry.at, simulated.start, simulated.calendar):>8}  "
    contact = "" if decided.contact is None else f" ({decided.contact})"
    say(f"{after}{local_time(entry.at, zone)}  {line.subject}{contact}: {line.text}")
    for reason in (*line.because, *(f"to change that: {change}" for change in line.needed)):
        say(f"          {reason}", "dim")


def _scenario(file: Path, playbook: str, until: str) -> Scenario:
    """The customer's file as a scenario that expects nothing. Its own keys for that are replaced."""
    text, findings = read_file(file, file.name)
    documents, more = ([], findings) if text is None else read_documents(file.name, text)
    if more or not documents:
        raise CommandError(str(more[0]) if more else f"{file.name} is empty", "write customer, start, when", Exit.USAGE)
    told = documents[0].data if isinstance(documents[0].data, dict) else {}
    asked: JsonObject = {"scenario": "simulation", "playbook": playbook, "until": until, "strict": False}
    asked["expect"] = [{"never": {"enrolled": "-"}}]
    start: JsonObject = {"start": WallClock().now().isoformat()}
    document = replace(documents[0], data={**start, **told, **asked})
    scenario, wrong = parse_model(document, Scenario)
    if scenario is None:
        raise CommandError(str(wrong[0]), "see the reference: scenarios", Exit.USAGE)
    return scenario


def loaded_with(folder: Path, playbook: str, published: Sequence[str] = ()) -> Workspace:
    """The workspace, which has the playbook and nothing that keeps it from being tried out. Raises `CommandError`.

    ``published``: as of `load_workspace`.
    """
    loaded = load_workspace(folder, published)
    if loaded.obstacles:
        raise CommandError(str(loaded.obstacles[0]), "see `perennia check`", Exit.FINDINGS)
    if playbook not in loaded.playbooks:
        raise CommandError(f'no playbook "{playbook}"', f"there are {', '.join(loaded.playbooks)}", Exit.USAGE)
    return loaded
