"""Runs a workspace's scenarios and says what came of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from perennia.catalog import ScenarioFile, Workspace, draft_documents, rehearsal
from perennia.cli.exits import CommandError, Exit
from perennia.cli.speech import say, say_json
from perennia.cli.suite import Outcome, Suite
from perennia.core.decisions import SendEmail
from perennia.core.definitions import BUILT_IN_DIGEST, BUILT_IN_SURVEY, Policies
from perennia.core.documents import TemplateBody
from perennia.core.json_values import Json
from perennia.rendering import (
    Asking,
    RenderedMessage,
    Surroundings,
    TemplateError,
    built_in_digest,
    built_in_survey,
    message_reader,
    render_digest,
    render_text,
    try_message,
    workspace_names,
    workspace_reader,
)
from perennia.simulate.coverage import Coverage, coverage
from perennia.simulate.junit import Verdict, junit
from perennia.simulate.outside import Answered, RenderingProblem

# What a link leads to is not looked at here: that there is one is enough.
_SOME_LINK = "https://links.example/u/scenario"
# The messages of a digest are rendered by themselves.
_SOME_PART = RenderedMessage("A message", "", "<p>Something happened.</p>", "Something happened.")
_BUILT_IN = {BUILT_IN_SURVEY: built_in_survey, BUILT_IN_DIGEST: built_in_digest}


class WorkspaceRendering:
    """The workspace's own templates, rendered as in a real message; what cannot be rendered fails its step."""

    def __init__(self, templates: Mapping[str, TemplateBody]) -> None:
        self._templates = templates

    def title(self, text: str, effect: Answered, policies: Policies) -> str:
        try:
            return render_text(text, effect.context, workspace_reader(policies, effect.at))
        except TemplateError as error:
            raise RenderingProblem(str(error)) from error

    def message(self, effect: SendEmail, policies: Policies) -> None:
        built_in = _BUILT_IN.get(effect.template)
        template = built_in() if built_in is not None else self._templates.get(effect.template)
        if template is None:
            return  # not written yet: `check` says so
        try:
            if effect.items:
                topic, parts = policies.topics.get(effect.topic or ""), [_SOME_PART] * len(effect.items)
                render_digest(template, parts, topic, effect.context, _surroundings(effect, policies))
                return
            try_message(template, effect.context, _surroundings(effect, policies))
        except TemplateError as error:
            raise RenderingProblem(str(error)) from error


def _surroundings(effect: SendEmail, policies: Policies) -> Surroundings:
    owner = effect.context.get("owner")
    link = _SOME_LINK if effect.topic and not effect.transactional else ""
    return Surroundings(
        workspace=workspace_names(policies),
        owner=owner if isinstance(owner, dict) else None,
        message={"id": "scenario", "topic": effect.topic},
        unsubscribe_url=link,
        preferences_url=link,
        reader=message_reader(effect, policies),
        asked=None if effect.survey is None else Asking(effect.survey, _SOME_LINK),
    )


@dataclass(frozen=True)
class Wanted:
    """What is asked of a run: ``names`` are parts of scenarios' names or files (none: all); ``jobs`` None: as many as pay."""

    names: Sequence[str] = ()
    jobs: int | None = None
    junit: Path | None = None
    coverage: bool = False
    min_coverage: float | None = None
    as_json: bool = False


def run_scenarios(workspace: Workspace, wanted: Wanted) -> bool:
    """Runs the chosen scenarios and says how they went. Whether all passed, and the coverage was as wanted."""
    chosen = [one for one in workspace.scenarios if _is_chosen(one, wanted.names)]
    if not chosen:
        remedy = "write one, or name another" if workspace.scenarios else "write one in playbooks/ (docs: scenarios)"
        raise CommandError("no scenario to run", remedy, Exit.USAGE)
    started = time.perf_counter()
    rendering = WorkspaceRendering(workspace.templates)
    suite = Suite(rehearsal(workspace), rendering, chosen, draft_documents(workspace))
    outcomes: list[Outcome] = []
    for file, outcome in zip(chosen, suite.run(wanted.jobs, details=wanted.as_json), strict=True):
        outcomes.append(outcome)
        if not wanted.as_json:
            _say_outcome(file, outcome)
    verdicts = [_verdict(*one) for one in zip(chosen, outcomes, strict=True)]
    if wanted.junit is not None:
        wanted.junit.write_text(junit(verdicts), encoding="utf-8")
    covered = None
    if wanted.coverage or wanted.min_coverage is not None:
        covered = coverage(workspace, (step for outcome in outcomes for step in outcome.reached))
    if wanted.as_json:
        _say_as_json(chosen, outcomes, covered)
    else:
        _say_summary(workspace, outcomes, covered, wanted, time.perf_counter() - started)
    enough = covered is None or wanted.min_coverage is None or covered.percent >= wanted.min_coverage
    return enough and all(outcome.report is None for outcome in outcomes)


def _is_chosen(file: ScenarioFile, names: Sequence[str]) -> bool:
    return not names or any(name in file.scenario.scenario or name in file.path for name in names)


def _verdict(file: ScenarioFile, outcome: Outcome) -> Verdict:
    name, line = file.scenario.scenario, file.line_of("scenario")
    return Verdict(file.path, line, name, outcome.seconds, outcome.report, outcome.crashed)


def _say_outcome(file: ScenarioFile, outcome: Outcome) -> None:
    if outcome.report is None:
        say(f"passed  {file.scenario.scenario}", "green")
        return
    say(f"failed  {file.scenario.scenario}  ({file.path}:{file.line_of('expect')})", "red")
    for line in outcome.report.splitlines():
        say(line)
    say()


def _say_summary(
    workspace: Workspace, outcomes: Sequence[Outcome], covered: Coverage | None, wanted: Wanted, seconds: float
) -> None:
    lacking = len(workspace.errors)
    if lacking:
        say(
            f"{lacking} error{'s' if lacking > 1 else ''} in messages keep this from being published: perennia check",
            "yellow",
        )
    if covered is not None:
        _say_coverage(covered, wanted.min_coverage)
    failed = sum(outcome.report is not None for outcome in outcomes)
    say(f"{len(outcomes) - failed} passed, {failed} failed in {seconds:.2f} s", "bold")


def _say_coverage(covered: Coverage, least: float | None) -> None:
    if covered.unreached:
        say("steps never reached by any scenario:")
    for step in covered.unreached:
        say(f"  {step}", "yellow")
    too_few = least is not None and covered.percent < least
    wanted = f", fewer than the {least:g}% asked for" if too_few else ""
    reached = covered.steps - len(covered.unreached)
    say(f"{reached} of {covered.steps} steps reached ({covered.percent:g}%){wanted}", "red" if too_few else None)


def _say_as_json(files: Sequence[ScenarioFile], outcomes: Sequence[Outcome], covered: Coverage | None) -> None:
    failed = sum(outcome.report is not None for outcome in outcomes)
    scenarios: list[Json] = [
        {
            "scenario": file.scenario.scenario,
            "file": file.path,
            "line": file.line_of("scenario"),
            "passed": outcome.report is None,
            "seconds": round(outcome.seconds, 4),
            "report": outcome.report,
            **outcome.details,
        }
        for file, outcome in zip(files, outcomes, strict=True)
    ]
    summary: dict[str, Json] = {"passed": len(outcomes) - failed, "failed": failed, "scenarios": scenarios}
    if covered is not None:
        unreached = cast("Json", [asdict(step) for step in covered.unreached])
        summary["coverage"] = {"percent": covered.percent, "steps": covered.steps, "unreached": unreached}
    say_json(summary)
