"""What ships can be used unedited: sound, tested by its own scenarios, with nothing left over."""

from __future__ import annotations

import functools
import re
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from perennia.catalog import ScenarioFile, load_workspace, release
from perennia.cli.scenarios import WorkspaceRendering
from perennia.core.decisions import Act, JournalEntry
from perennia.core.definitions import NO_POLICIES, EmailStep, Playbook, SurveyStep, Track
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.core.step_ids import place_steps
from perennia.picture.chart import chart_of
from perennia.picture.layout import WIDTH, Box, draw
from perennia.picture.passage import Passage, passages
from perennia.rendering.messages import Asking, Surroundings, render_message
from perennia.shipped import shipped_workspace
from perennia.simulate.report import report
from perennia.simulate.scenarios import ScenarioResult, run_scenario

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = load_workspace(ROOT)
DOCUMENTS = release(WORKSPACE).documents
PLAYBOOKS = [each for each in WORKSPACE.definitions if isinstance(each, Playbook)]


def test_a_checkout_is_its_own_shipped_workspace() -> None:
    assert shipped_workspace() == ROOT


def test_nothing_is_found_wrong_with_it() -> None:
    assert [str(finding) for finding in WORKSPACE.findings] == []


@functools.cache
def lived(name: str) -> ScenarioResult:
    scenario = next(each.scenario for each in WORKSPACE.scenarios if each.scenario.scenario == name)
    rendering = WorkspaceRendering(WORKSPACE.templates)
    return run_scenario(DOCUMENTS, scenario, rendering)


@pytest.mark.parametrize("scenario", WORKSPACE.scenarios, ids=lambda each: each.scenario.scenario)
def test_its_scenarios_hold(scenario: ScenarioFile) -> None:
    result = lived(scenario.scenario.scenario)
    assert result.passed, report(result)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda each: each.playbook)
def test_a_scenario_comes_through_every_step(playbook: Playbook) -> None:
    own = [each.scenario.scenario for each in WORKSPACE.scenarios if playbook.playbook in each.scenario.playbooks]
    reached = {step for name in own for book, step in lived(name).reached if book == playbook.playbook}
    assert {placed.id for placed in place_steps(playbook)} - reached == set()


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda each: each.playbook)
def test_its_picture_has_room_for_every_step(playbook: Playbook) -> None:
    name = playbook.playbook
    own = next(each.scenario.scenario for each in WORKSPACE.scenarios if name in each.scenario.playbooks)
    passed = passages(name, lived(own).journal, (), ZoneInfo("UTC"))
    entered = JournalEntry(at=lived(own).start, act=Act.ENTERED, code="entered", playbook=name, enrollment="none")
    drawing = draw(chart_of(playbook), passed[0] if passed else Passage("none", entered), ZoneInfo("UTC"))

    assert len(drawing.boxes) == len(place_steps(playbook)) + 2
    assert all(0 <= box.x <= drawing.width - WIDTH for box in drawing.boxes)
    assert [(one.full, other.full) for one, other in combinations(drawing.boxes, 2) if _overlap(one, other)] == []


def _overlap(one: Box, other: Box) -> bool:
    beside = one.x + WIDTH <= other.x or other.x + WIDTH <= one.x
    return not beside and one.y < other.y + other.height and other.y < one.y + one.height


def waits(playbook: Playbook) -> bool:
    """Whether it takes time: what is over at once has no time limit, and nothing can end it early."""
    return any(placed.verb in {"wait", "wait_for", "repeat", "survey", "approve"} for placed in place_steps(playbook))


@pytest.mark.parametrize("playbook", [each for each in PLAYBOOKS if waits(each)], ids=lambda each: each.playbook)
def test_each_playbook_has_its_good_way_its_time_out_way_and_its_exit(playbook: Playbook) -> None:
    endings = {
        str(expected.model_dump(exclude_none=True)["ended"])
        for each in WORKSPACE.scenarios
        if playbook.playbook in each.scenario.playbooks
        for expected in each.scenario.expect
        if "ended" in expected.model_dump(exclude_none=True)
    }
    assert "completed" in endings
    assert endings - {"completed", "goal"}
    assert len([each for each in WORKSPACE.scenarios if playbook.playbook in each.scenario.playbooks]) >= 3


def test_every_stage_of_its_tracks_is_entered_by_a_scenario() -> None:
    tracks = [each for each in WORKSPACE.definitions if isinstance(each, Track)]
    stages = {(track.track, stage.id) for track in tracks for stage in track.stages}
    entered = {
        pair
        for each in WORKSPACE.scenarios
        for expected in each.scenario.expect
        for pair in expected.model_dump().get("stage", {}).items()
    }
    assert entered == stages


def messages(template: str | None = None) -> list[tuple[str, EmailStep | SurveyStep]]:
    """Every step that sends a template, or this one, with the template's name."""
    steps = [placed.step for each in PLAYBOOKS for placed in place_steps(each)]
    sent = [(step.email, step) for step in steps if isinstance(step, EmailStep)]
    asked = [(step.template, step) for step in steps if isinstance(step, SurveyStep) and step.template]
    return [pair for pair in [*sent, *asked] if template in {None, pair[0]}]


def test_every_template_is_sent_by_a_playbook() -> None:
    assert set(WORKSPACE.templates) == {name for name, _ in messages()}


@pytest.mark.parametrize("template", sorted(ROOT.glob("templates/*/*.md")), ids=lambda path: path.stem)
def test_copy_is_finished(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert re.search(r"^subject: \S", text, re.MULTILINE)
    assert re.search(r"^preheader: \S", text, re.MULTILINE)
    assert not re.search(r"lorem|TODO|TBD|XXX|\[.*here\]", text, re.IGNORECASE)


@pytest.mark.parametrize("name", sorted(WORKSPACE.templates))
def test_a_mail_comes_from_whoever_has_signed_it(name: str) -> None:
    [text] = [each for ending, each in WORKSPACE.templates[name].files.items() if ending == "md"]
    signed = "owner" if text.rstrip().endswith('{{ owner.first_name | default("Ana") }}') else text.split()[-1]
    policies = WORKSPACE.policies or NO_POLICIES
    senders = {"owner": "owner"} | {
        sender.name.split(",")[0].split()[0]: key for key, sender in policies.senders.items() if sender.name
    }
    assert {step.from_ or policies.default_sender for _, step in messages(name)} == {senders[signed]}


@pytest.mark.parametrize("name", sorted(WORKSPACE.templates))
def test_a_mail_asks_for_one_thing(name: str) -> None:
    text = WORKSPACE.templates[name].files["md"]
    assert len(re.findall(r"\]\(\{\{|\{\{ survey\(\)", text)) <= 1


@pytest.mark.parametrize("name", sorted(WORKSPACE.templates))
def test_a_subject_can_be_read_on_a_phone(name: str) -> None:
    known: JsonObject = {
        "contact": {"first_name": "Alexandra"},
        "account": {"name": "Northwind"},
        "traits": {"renewal_date": "2026-10-31"},
        "enter": {"ticket": "T-1042", "milestone": "integration"},
        "steps": {"ask": {"score": 8}, "first-project": {"outcome": "done"}},
        "reports": 12,
    }
    asked = Asking(AskedSurvey(survey="nps", question="Would you?", lowest=0, highest=10), "https://example.com")
    message = render_message(
        WORKSPACE.templates[name], known, Surroundings({"name": "Example", "url": ""}, asked=asked)
    )
    assert 8 <= len(message.subject) <= 50
    assert 8 <= len(message.preheader) <= 85
