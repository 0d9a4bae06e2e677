"""Files that scenarios publish on their way."""

from __future__ import annotations

import pytest

from perennia.catalog import Workspace, draft_documents, rehearsal
from perennia.simulate.scenarios import run_scenario
from tests.support.lives import PlainText
from tests.support.workspaces import USUAL, CheckFiles, MakeWorkspace

BOOK = """\
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - {id: pause, wait: 5d}
  - {id: tip, email: hello}
"""
SCENARIO = """\
scenario: a wait is shortened under way
playbook: p
customer: {id: ana, traits: {email: ana@example.com}}
start: 2026-03-02T10:00:00Z
when:
  - {at: 0d, event: Go}
  - {at: 2d, publish: {file: FILE, mode: migrate, map: {pause: rest}}}
until: 30d
expect:
  - {at: 3d, email: hello}
"""
LATER = BOOK.replace("id: pause, wait: 5d", "id: rest, wait: 3d")


def failures(workspace: Workspace) -> list[str]:
    assert [str(finding) for finding in workspace.findings] == []
    (file,) = workspace.scenarios
    result = run_scenario(rehearsal(workspace), file.scenario, PlainText(), draft_documents(workspace))
    return [str(difference) for difference in result.differences]


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("later.yaml", "playbooks/tests/later.yaml"),
        ("next/later.yaml", "next/later.yaml"),
        ("../../next/later.yaml", "next/later.yaml"),
        ("drafts/later.yml", "playbooks/drafts/later.yml"),
    ],
)
def test_a_file_is_found_beside_the_scenario_in_the_workspace_or_in_its_playbooks(
    make_workspace: MakeWorkspace, named: str, place: str
) -> None:
    scenario = SCENARIO.replace("FILE", named)
    files = {**USUAL, "playbooks/p.yaml": BOOK, "playbooks/tests/s.yaml": scenario, place: LATER}
    assert failures(make_workspace(files)) == []


def test_a_draft_is_no_part_of_the_workspace(make_workspace: MakeWorkspace) -> None:
    files = {
        "playbooks/p.yaml": BOOK,
        "playbooks/s.yaml": SCENARIO.replace("FILE", "q.yaml"),
        "playbooks/q.yaml": LATER,
    }
    workspace = make_workspace({**USUAL, **files})
    assert [step.id for step in workspace.playbooks["p"].steps] == ["pause", "tip"]


def test_a_draft_may_change_policies_and_segments(make_workspace: MakeWorkspace) -> None:
    member = "segment: s\nwhen: traits.plan == 'free'\n"
    book = BOOK + "exit: [{when: in_segment('s'), reason: told}]\n"
    scenario = SCENARIO.replace("FILE", "later.yaml").replace("mode: migrate, map: {pause: rest}", "mode: pin")
    scenario = scenario.replace("traits: {", "traits: {plan: pro, ").replace(
        "{at: 3d, email: hello}", "{at: 2d, ended: told}"
    )
    files = {
        "playbooks/p.yaml": book,
        "playbooks/m.yaml": member,
        "playbooks/s.yaml": scenario,
        "playbooks/later.yaml": member.replace("free", "pro"),
    }
    assert failures(make_workspace({**USUAL, **files})) == []


def test_a_file_that_is_not_there_is_told_with_its_place(check_files: CheckFiles) -> None:
    files = {"playbooks/p.yaml": BOOK, "playbooks/s.yaml": SCENARIO.replace("FILE", "gone.yaml")}
    assert check_files({**files}) == [
        'playbooks/s.yaml:7:30: error missing-file: no file "gone.yaml"; name it from the scenario\'s folder or from the '
        "workspace"
    ]


def test_a_draft_is_checked_like_any_definition(check_files: CheckFiles) -> None:
    scenario = SCENARIO.replace("FILE", "later.yaml").replace("rest", "rests")
    later = LATER.replace("3d", "3x")
    files = {"playbooks/p.yaml": BOOK, "playbooks/s.yaml": scenario, "playbooks/later.yaml": later}
    assert [line.split(";")[0] for line in check_files({**files})] == [
        'playbooks/later.yaml:5:22: error bad-span: "3x" is no span',
        'playbooks/s.yaml:7:70: error unknown-step: no step "rests"',
    ]
