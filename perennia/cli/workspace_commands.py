"""Commands about the files of a workspace: check them, test them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from perennia.catalog import Finding, Severity, Workspace, load_workspace
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.scenarios import Wanted, run_scenarios
from perennia.cli.speech import say, say_json


class Form(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def register(app: typer.Typer) -> None:
    app.command()(check)
    app.command()(schema)
    app.command("test")(scenarios)


def check(
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
    form: Annotated[Form, typer.Option("--format", help="How findings are written.")] = Form.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    store: Annotated[
        bool, typer.Option("--store", help="Also look into the installation's store: unknown events, traits, steps.")
    ] = False,
    data: Data = None,
) -> None:
    """Checks every definition and template of the workspace; nothing needs to run. Exit code 1: there are errors."""
    loaded = load_workspace(workspace)
    _must_have_definitions(loaded)
    findings = loaded.findings
    if store:
        from perennia.cli.checking import check_against_store  # noqa: PLC0415 - loads the store's driver

        findings = tuple(sorted((*findings, *check_against_store(loaded, data)), key=lambda each: each.order))
    failing = [finding for finding in findings if strict or finding.severity is Severity.ERROR]
    match Form.JSON if as_json else form:
        case Form.JSON:
            say_json({"ok": not failing, "findings": [_as_json(finding) for finding in findings]})
        case Form.GITHUB:
            for finding in findings:
                say(_annotation(loaded.folder, finding))
        case Form.TEXT:
            for finding in findings:
                say(str(finding), "red" if finding.severity is Severity.ERROR else "yellow")
            say(_summary(loaded, findings, failed=bool(failing)), "bold" if not failing else "bold red")
    raise typer.Exit(Exit.FINDINGS if failing else Exit.OK)


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it there.", dir_okay=False, metavar="FILE")
    ] = None,
) -> None:
    """Prints the JSON Schema of all definitions, which editors complete and check with."""
    text = files("perennia.catalog").joinpath("perennia.schema.json").read_text(encoding="utf-8")
    if output is None:
        say(text.rstrip("\n"))
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    say(f"written to {output}")


def scenarios(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only scenarios whose name or file contains one of these.")
    ] = None,
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Processes; default: one a core.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML.", dir_okay=False, metavar="FILE")] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say which steps no scenario reaches.")] = False,
    min_coverage: Annotated[
        float | None, typer.Option(min=0, max=100, help="Fail where fewer steps are reached.", metavar="PERCENT")
    ] = None,
) -> None:
    """Runs the workspace's scenarios in virtual time; nothing needs to run. Exit code 1: one failed."""
    loaded = load_workspace(workspace)
    refuse(loaded, loaded.obstacles, "not tested")
    wanted = Wanted(names or (), jobs, junit, coverage, min_coverage, as_json)
    raise typer.Exit(Exit.OK if run_scenarios(loaded, wanted) else Exit.FINDINGS)


def refuse(loaded: Workspace, found: Sequence[Finding], what: str) -> None:
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
        remedy = "go to your workspace, name it with --workspace DIR, or begin one with `perennia new NAME`"
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


def _annotation(folder: Path, finding: Finding) -> str:
    """A command of GitHub's workflows, which shows the finding beside its line. Paths are from where we are."""
    here = (folder / finding.path).resolve()
    path = here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here
    place = f"file={_property(str(path))},line={finding.line},col={finding.column},title={_property(finding.code)}"
    message = f"{finding.message}; {finding.remedy}" if finding.remedy else finding.message
    return f"::{finding.severity} {place}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _summary(loaded: Workspace, findings: Sequence[Finding], *, failed: bool) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    counted = [_number(errors, "error")] * bool(errors) + [_number(warnings, "warning")] * bool(warnings)
    if failed:
        return ", ".join(counted)
    counts = {"playbook": len(loaded.playbooks), "track": len(loaded.tracks), "template": len(loaded.templates)}
    counts["scenario"] = len(loaded.scenarios)
    return "fine: " + ", ".join([*(_number(count, name) for name, count in counts.items()), *counted])


def _number(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
