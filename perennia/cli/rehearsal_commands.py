"""`perennia simulate`: what a playbook would do to one customer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from perennia.catalog import Workspace, load_workspace, rehearsal
from perennia.catalog.parsing import parse_model
from perennia.catalog.scenario_models import Scenario
from perennia.catalog.yaml_source import read_bytes, read_documents
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Playbook
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.scenarios import WorkspaceRendering
from perennia.cli.speech import say, say_json
from perennia.clock import WallClock
from perennia.core.definitions import NO_POLICIES
from perennia.core.json_values import JsonObject
from perennia.simulate.report import after_start
from perennia.simulate.scenarios import ScenarioResult, run_scenario
from perennia.why.evidence import local_time
from perennia.why.wording import put_in_words


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    playbook: Playbook,
    customer: Annotated[
        Path, typer.Option(help="YAML as in a scenario: customer, start, when, policies.", exists=True, dir_okay=False)
    ],
    until: Annotated[str, typer.Option(help="How long, from its start.", metavar="SPAN")] = "90d",
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Lets one customer live through a playbook in virtual time and prints what happens, when and why."""
    loaded = loaded_with(workspace, playbook)
    scenario = _scenario(customer, playbook, until)
    rendering = WorkspaceRendering(loaded.templates, loaded.policies or NO_POLICIES)
    result = run_scenario(rehearsal(loaded), scenario, rendering)
    if as_json:
        say_json(
            {
                "timeline": [{"at": one.at.isoformat(), "what": str(one)} for one in result.actual],
                "decisions": msgspec.to_builtins(result.journal),
            }
        )
        return
    _say_timeline(result)


def _say_timeline(result: ScenarioResult) -> None:
    say(f"{result.scenario.customer.id}, times in {result.zone.key}", "bold")
    if not result.journal:
        say("Nothing was decided: no trigger fired.")
    for entry in result.journal:
        line = put_in_words(entry, result.zone)
        say(f"{after_start(entry.at, result):>8}  {local_time(entry.at, result.zone)}  {line.subject}: {line.text}")
        for each in (*line.because, *(f"to change that: {change}" for change in line.needed)):
            say(f"          {each}", "dim")


def _scenario(file: Path, playbook: str, until: str) -> Scenario:
    """The customer's file as a scenario that expects nothing. Its own keys for that are replaced."""
    text, findings = read_bytes(file.name, file.read_bytes())
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


def loaded_with(folder: Path, playbook: str) -> Workspace:
    """The workspace, which has the playbook and nothing that keeps it from being tried out. Raises `CommandError`."""
    loaded = load_workspace(folder)
    if loaded.obstacles:
        raise CommandError(str(loaded.obstacles[0]), "see `perennia check`", Exit.FINDINGS)
    if playbook not in loaded.playbooks:
        raise CommandError(f'no playbook "{playbook}"', f"there are {', '.join(loaded.playbooks)}", Exit.USAGE)
    return loaded
