"""`perennia test` as CI runs it: reports, files, coverage, several processes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from tests.support.commands import perennia

SCENARIO = """\
scenario: greeting {number}
playbook: hello
customer: {{id: ana, traits: {{email: ana@example.com, plan: pro}}}}
start: 2026-03-02T10:00:00+01:00
when:
  - at: 0d
    event: Signed Up
until: 1d
expect:
  - at: {at}
    email: hello/greet
---
"""


def write_scenarios(workspace: Path, *moments: str) -> None:
    text = "".join(SCENARIO.format(number=number, at=at) for number, at in enumerate(moments))
    (workspace / "playbooks/scenarios/greeted.yaml").write_text(text, encoding="utf-8")


def test_a_message_at_another_time_is_one_difference_with_both_times(workspace: Path) -> None:
    write_scenarios(workspace, "3h")
    said = perennia(workspace, "test").out
    assert (
        "First difference: email hello/greet happened at 0d (Mon 2 Mar 2026 09:00:00) and was expected at 3h "
        "(Mon 2 Mar 2026 12:00:00)." in said
    )
    assert "Why: Mon 2 Mar 2026 09:00:00  hello" in said


def test_steps_that_no_scenario_reaches_are_listed_with_their_places(workspace: Path) -> None:
    ended = perennia(workspace, "test", "--coverage")
    assert ended.code == 0
    assert "  playbooks/hello.yaml:13:5: email step second of hello\n2 of 3 steps reached (66.6%)\n" in ended.out


def test_too_little_coverage_fails(workspace: Path) -> None:
    ended = perennia(workspace, "test", "--min-coverage", "70")
    assert ended.code == 1
    assert "2 of 3 steps reached (66.6%), fewer than the 70% asked for\n1 passed, 0 failed" in ended.out


def test_results_come_as_junit_xml(workspace: Path) -> None:
    write_scenarios(workspace, "0d", "1h")
    ended = perennia(workspace, "test", "--junit", "results.xml")
    suites = Xml.parse(workspace / "results.xml").getroot()
    cases = list(suites.iter("testcase"))
    assert (ended.code, suites.get("tests"), suites.get("failures")) == (1, "2", "1")
    assert [(case.get("name"), case.get("line"), len(case)) for case in cases] == [
        ("greeting 0", "1", 0),
        ("greeting 1", "13", 1),
    ]


def test_several_processes_say_the_same_in_the_same_order(workspace: Path) -> None:
    write_scenarios(workspace, *(["0d", "1h"] * 6))
    alone, together = (perennia(workspace, "test", "-j", jobs).out.splitlines() for jobs in ("1", "3"))
    assert len(alone) > 12
    assert alone[:-1] == together[:-1]


def test_scenarios_are_chosen_by_a_part_of_their_file(workspace: Path) -> None:
    ended = perennia(workspace, "test", "scenarios/greet")
    assert (ended.code, ended.out[:7]) == (0, "passed ")


def test_json_tells_the_differences_and_their_reason(workspace: Path) -> None:
    write_scenarios(workspace, "0d", "1h")
    document = perennia(workspace, "test", "--json").document
    assert (document["passed"], document["failed"]) == (1, 1)
    assert isinstance(document["scenarios"], list)
    failed = document["scenarios"][1]
    assert isinstance(failed, dict)
    assert failed["differences"] == [
        {"at": "2026-03-02T09:00:00+00:00", "expected": None, "actual": "email hello/greet (ana)"},
        {"at": "2026-03-02T10:00:00+00:00", "expected": "email hello/greet", "actual": None},
    ]


def test_a_message_may_link_to_preferences_in_place_of_unsubscribing(workspace: Path) -> None:
    template = "---\nsubject: Hi\nlayout: none\n---\n[Choose what you get]({{ preferences_url }})\n"
    (workspace / "templates/hello/greet.md").write_text(template, encoding="utf-8")
    assert perennia(workspace, "check").code == 0
    assert perennia(workspace, "test").code == 0
