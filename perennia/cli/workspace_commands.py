"""Commands about the files of a workspace: check them, test them, publish them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from perennia.catalog import Finding, Severity, Workspace, load_workspace, release
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url, who
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.scenarios import run_scenarios
from perennia.cli.speech import say, say_json


def register(app: typer.Typer) -> None:
    app.command()(check)
    app.command("test")(scenarios)
    app.command()(publish)


def check(workspace: WorkspaceFolder = HERE, as_json: AsJson = False) -> None:
    """Checks every definition and template of the workspace; nothing needs to run. Exit code 1: there are errors."""
    loaded = load_workspace(workspace)
    _must_have_definitions(loaded)
    errors = len(loaded.errors)
    if as_json:
        say_json({"ok": not errors, "findings": [_as_json(finding) for finding in loaded.findings]})
    else:
        for finding in loaded.findings:
            say(str(finding), "red" if finding.severity is Severity.ERROR else "yellow")
        say(_summary(loaded, errors), "bold" if not errors else "bold red")
    raise typer.Exit(Exit.FINDINGS if errors else Exit.OK)


def scenarios(
    names: Annotated[list[str] | None, typer.Argument(help="Only scenarios whose name contains one of these.")] = None,
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Runs the workspace's scenarios in virtual time; nothing needs to run. Exit code 1: one failed."""
    loaded = load_workspace(workspace)
    _refuse(loaded, loaded.obstacles, "not tested")
    failed = run_scenarios(loaded, names or [], as_json=as_json)
    raise typer.Exit(Exit.FINDINGS if failed else Exit.OK)


def publish(workspace: WorkspaceFolder = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Checks the workspace and makes it the installation's current revision."""
    from perennia.cli.reach import reach  # noqa: PLC0415 - loads the store's driver; the other two commands need none
    from perennia.publishing import Publication, publish_documents  # noqa: PLC0415

    loaded = load_workspace(workspace)
    _refuse(loaded, loaded.errors, "not published")
    released = release(loaded)

    async def send() -> Publication:
        async with reach(workspace, url, data) as installation:
            return await publish_documents(installation, released.documents, who())

    publication = asyncio.run(send())
    if as_json:
        say_json(publication)
        return
    for change in publication.changes:
        say(f"{change.what:8} {change.kind} {change.id}")
    state = "published" if publication.changes else "nothing has changed: still"
    say(f"{state} revision {publication.revision.number} ({publication.revision.id})", "bold")


def _refuse(loaded: Workspace, found: Sequence[Finding], what: str) -> None:
    """Raises a `CommandError` that shows the first of the errors, if there is one."""
    _must_have_definitions(loaded)
    errors = iter(found)
    first = next(errors, None)
    if first is not None:
        others = len(list(errors))
        more = f" (and {others} more)" if others else ""
        raise CommandError(f"{what}: {first}{more}", "see `perennia check`", Exit.FINDINGS)


def _must_have_definitions(loaded: Workspace) -> None:
    """A folder that is no workspace is a slip of the command line, not a workspace without errors."""
    if not (loaded.folder / "playbooks").is_dir():
        remedy = "go to your workspace, or name it with --workspace DIR"
        raise CommandError(f"no playbooks/ in {loaded.folder.resolve()}", remedy, Exit.USAGE)


def _as_json(finding: Finding) -> dict[str, str | int | None]:
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _summary(loaded: Workspace, errors: int) -> str:
    if errors:
        return f"{errors} error{'s' if errors > 1 else ''}"
    counts = {"playbook": len(loaded.playbooks), "track": len(loaded.tracks), "template": len(loaded.templates)}
    counts["scenario"] = len(loaded.scenarios)
    return "fine: " + ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
