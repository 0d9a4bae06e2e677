"""Scenarios in YAML, together with the definitions they are about, run in the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, cast

from ruamel.yaml import YAML

from perennia.catalog.scenario_models import Scenario
from perennia.simulate.report import report
from perennia.simulate.scenarios import ScenarioResult, run_scenario
from tests.support.lives import TOPICS, PlainText, documents

Load: TypeAlias = Callable[[str], Iterable[dict[str, object] | None]]


def lived(definitions: str, scenario: str) -> ScenarioResult:
    """The scenario's result under these definitions and the usual topics."""
    return run_scenario(documents(TOPICS + "\n---\n" + definitions), scenario_of(scenario), PlainText())


def scenario_of(text: str) -> Scenario:
    """The one scenario of a YAML text."""
    load = cast("Load", YAML(typ="safe", pure=True).load_all)
    (parsed,) = load(text)
    return Scenario.model_validate(parsed)


def differences(definitions: str, scenario: str) -> str:
    """What a person would be told who ran the scenario; nothing where it passes."""
    result = lived(definitions, scenario)
    return "" if result.passed else report(result)
