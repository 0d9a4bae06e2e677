"""Runs a workspace's scenarios and says what came of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from perennia.catalog import ScenarioFile, Workspace, rehearsal
from perennia.cli.exits import CommandError, Exit
from perennia.cli.speech import say, say_json
from perennia.core.decisions import SendEmail
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.core.documents import Document, TemplateBody
from perennia.core.json_values import Json, JsonObject
from perennia.rendering import Surroundings, TemplateError, render_message, render_text
from perennia.simulate.report import report
from perennia.simulate.scenarios import ScenarioResult, run_scenario
from perennia.simulate.world import RenderingProblem

# What a link leads to is not looked at here: that there is one is enough.
_SOME_LINK = "https://links.example/u/scenario"


class WorkspaceRendering:
    """The workspace's own templates, rendered as in a real message; what cannot be rendered fails its step."""

    def __init__(self, templates: Mapping[str, TemplateBody], policies: Policies) -> None:
        self._templates = templates
        self._policies = policies

    def title(self, text: str, context: JsonObject) -> str:
        try:
            return render_text(text, context)
        except TemplateError as error:
            raise RenderingProblem(str(error)) from error

    def message(self, effect: SendEmail) -> None:
        template = self._templates.get(effect.template)
        if template is None:
            return  # not written yet: `check` says so
        try:
            render_message(template, effect.context, self._surroundings(effect))
        except TemplateError as error:
            raise RenderingProblem(str(error)) from error

    def _surroundings(self, effect: SendEmail) -> Surroundings:
        policies = self._policies
        owner, traits = effect.context.get("owner"), effect.context.get("traits")
        locale = traits.get("locale") if isinstance(traits, dict) else None
        return Surroundings(
            workspace={"url": policies.url, "name": policies.name, "address": policies.address},
            owner=owner if isinstance(owner, dict) else None,
            message={"id": "scenario", "topic": effect.topic},
            unsubscribe_url=_SOME_LINK if effect.topic and not effect.transactional else None,
            locale=locale if isinstance(locale, str) else policies.locale,
        )


def run_scenarios(workspace: Workspace, names: Sequence[str], *, as_json: bool) -> int:
    """Runs those whose name contains one of ``names`` (none given: all), and says how they went. How many failed."""
    chosen = [one for one in workspace.scenarios if not names or any(name in one.scenario.scenario for name in names)]
    if not chosen:
        remedy = "write one, or name another" if workspace.scenarios else "write one in playbooks/ (docs: scenarios)"
        raise CommandError("no scenario to run", remedy, Exit.USAGE)
    started = time.perf_counter()
    documents: tuple[Document, ...] = rehearsal(workspace)
    rendering = WorkspaceRendering(workspace.templates, workspace.policies or NO_POLICIES)
    results = [(one, run_scenario(documents, one.scenario, rendering)) for one in chosen]
    failed = sum(not result.passed for _, result in results)
    if as_json:
        say_json({"passed": len(results) - failed, "failed": failed, "scenarios": [_as_json(*one) for one in results]})
        return failed
    for file, result in results:
        _say_result(file, result)
    lacking = len(workspace.errors)
    if lacking:
        say(
            f"{lacking} error{'s' if lacking > 1 else ''} in messages keep this from being published: perennia check",
            "yellow",
        )
    say(f"{len(results) - failed} passed, {failed} failed in {time.perf_counter() - started:.2f} s", "bold")
    return failed


def _say_result(file: ScenarioFile, result: ScenarioResult) -> None:
    if result.passed:
        say(f"passed  {result.scenario.scenario}", "green")
        return
    say(f"failed  {result.scenario.scenario}  ({file.path}:{file.line_of('expect')})", "red")
    say(report(result))
    say()


def _as_json(file: ScenarioFile, result: ScenarioResult) -> dict[str, Json]:
    return {
        "scenario": result.scenario.scenario,
        "file": file.path,
        "passed": result.passed,
        "timeline": [{"at": one.at.isoformat(), "what": str(one)} for one in result.actual],
        "report": None if result.passed else report(result),
        "decisions": msgspec.to_builtins(result.journal),
    }
