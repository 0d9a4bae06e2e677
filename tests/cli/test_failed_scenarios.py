"""What is said of a scenario that failed: what a person needs to see, and the reason of the first difference."""

from __future__ import annotations

from tests.support.yaml_scenarios import differences

BOOK = """
playbook: first-steps
topic: tips
enter: {on: [{event: Account Created}]}
steps:
  - {id: welcome, email: hello}
  - id: project
    wait_for: [{event: Project Created, then: [{id: next, email: next}]}]
    up_to: 2d
    else: [{id: help, email: help}]
---
track: adoption
scope: contact
stages: [{id: new, expected: 1d}, {id: active, enter: 'happened("Project Created")'}]
---
track: risk
scope: contact
stages: [{id: low}, {id: high, enter: traits.angry == true}]
"""


def said(expect: str, book: str = BOOK, event: str = "Project Created") -> list[str]:
    text = f"""
scenario: somebody
playbook: first-steps
customer: {{id: ana, traits: {{email: ana@example.com}}}}
start: 2026-03-02T10:00:00+00:00
when:
  - {{at: 0d, event: Account Created}}
  - {{at: 12h, event: {event}}}
until: 5d
expect:
  - {{at: 0d, email: hello}}
{expect}
"""
    return differences(book, text).splitlines()


def test_moves_in_tracks_that_the_scenario_does_not_name_are_only_counted() -> None:
    lines = said("  - {at: 1d, email: help}")
    assert [line for line in lines if "stage" in line or "Stage" in line] == []
    assert "    (left out: 3 moves in tracks that the scenario does not name)" in lines


def test_moves_in_tracks_that_it_names_are_shown() -> None:
    lines = said("  - {at: 12h, email: next}\n  - {at: 2d, stage: {adoption: active}}")
    assert [line.split("  ")[-1] for line in lines if "stage" in line][:2] == [
        "stage adoption: new",
        "stage adoption: active",
    ]
    assert not [line for line in lines if "risk" in line]
    assert "Why: Mon 2 Mar 2026 22:00:00  adoption: moved from stage new to active" in lines


def test_moves_that_the_playbook_itself_makes_are_shown() -> None:
    lines = said("  - {at: 1d, email: help}", BOOK.replace("steps:", "steps:\n  - stage: {risk: high}", 1))
    assert any(line.endswith("stage risk: high") for line in lines)


def test_another_message_at_the_very_instant_stands_beside_the_expected_one() -> None:
    lines = said("  - {at: 12h, email: help}")
    assert "  x 12h  Mon 2 Mar 2026 22:00:00  email help   email next" in lines
    assert "First difference: email next happened at 12h (Mon 2 Mar 2026 22:00:00) in place of email help." in lines


def test_what_did_not_happen_in_time_is_explained_by_where_the_customer_stood() -> None:
    lines = said("  - {at: 12h, email: next}", event="Projct Created")
    assert lines[-2:] == [
        "First difference: email next was expected at 12h (Mon 2 Mar 2026 22:00:00) and did not happen.",
        "Why: it stood at first-steps / project then, until Wed 4 Mar 2026 10:00:00: the wait reached its time limit",
    ]
