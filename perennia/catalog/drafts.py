"""Files that scenarios publish on their way: no part of the workspace as it is, but checked as if they took its place."""

from __future__ import annotations

from pathlib import Path

from perennia.catalog.scenario_models import PublishInput, Scenario

FOLDER = "playbooks"


def find_draft(workspace: Path, scenario: str, named: str) -> str | None:
    """The file's path in the workspace: beside the scenario, in the workspace, or in its playbooks; None without one.

    A file outside the workspace is none: what a scenario means must not depend on where it lies.
    """
    for folder in ((workspace / scenario).parent, workspace, workspace / FOLDER):
        path = (folder / named).resolve()
        if path.is_file() and path.is_relative_to(workspace.resolve()):
            return path.relative_to(workspace.resolve()).as_posix()
    return None


def with_drafts_found(workspace: Path, path: str, scenario: Scenario) -> Scenario:
    """The scenario with its files named from the workspace. What is not found stays as it is written."""
    items = [
        item.model_copy(
            update={
                "publish": item.publish.model_copy(
                    update={"file": find_draft(workspace, path, item.publish.file) or item.publish.file}
                )
            }
        )
        if isinstance(item, PublishInput)
        else item
        for item in scenario.when
    ]
    return scenario.model_copy(update={"when": tuple(items)})


def published_files(scenario: Scenario) -> tuple[str, ...]:
    return tuple(item.publish.file for item in scenario.when if isinstance(item, PublishInput))
