"""Conditions that can never be true, and ones that look like it."""

from __future__ import annotations

import pytest

from perennia.catalog.contradictions import impossible
from tests.support.workspaces import Check


@pytest.mark.parametrize(
    "text",
    [
        "false",
        'traits.plan == "pro" && traits.plan == "free"',
        'traits.plan in ["pro", "team"] && traits.plan == "free"',
        'traits.plan == "pro" && !(traits.plan == "pro")',
        "traits.seats > 5 && traits.seats < 3",
        "traits.seats > 5 && 5 >= traits.seats",
        'count("Logged In", "30d") < 0',
        'happened("Logged In") && !happened( "Logged In" )',
        'idle("Logged In", "14d") && happened("Logged In", "1w")',
        'older(traits.renewal, "1d") && within(traits.renewal, "30d")',
        "traits.seats == null && traits.seats == 3",
        'traits.a == 1 && (traits.b == "x" && traits.b == "y" || traits.a == 2)',
    ],
)
def test_what_contradicts_itself_is_found(text: str) -> None:
    found = impossible(text)
    assert found is not None
    assert found.whole


@pytest.mark.parametrize(
    "text",
    [
        'traits.plan == "pro" || traits.plan == "free"',
        "traits.seats >= 5 && traits.seats <= 5",
        'traits.plan != "pro" && traits.plan != "free"',
        'count("Logged In", "30d") < 5 && count("Logged In", "90d") > 5',
        'idle("Logged In", "14d") && happened("Logged In", "30d")',
        '"a" in traits.tags && "b" in traits.tags',
        "traits.a ? traits.b == 1 : traits.b == 2",
        'stage.adoption == "new" && in_stage("adoption", "active")',
    ],
)
def test_what_could_be_true_is_left_alone(text: str) -> None:
    assert impossible(text) is None


def test_an_alternative_that_can_never_be_true_is_named_alone() -> None:
    found = impossible("traits.a == 1 || (traits.b == 2 && traits.b == 3)")
    assert found is not None
    assert (found.whole, found.offset, found.text) == (False, 18, "traits.b == 2 && traits.b == 3")


def test_check_warns_at_the_place_of_the_contradiction(check: Check) -> None:
    found = check(
        "playbook: p\nsteps:\n  - branch:\n      - if: traits.a == 1 || (traits.b == 2 && traits.b == 3)\n"
        "        then: [{milestone: m}]\n"
    )
    assert found == [
        "playbooks/p.yaml:4:31: warning never-true: traits.b == 2 && traits.b == 3 can never be true; "
        "remove this alternative"
    ]


def test_a_filter_that_no_event_passes_is_found_also_in_a_value(check: Check) -> None:
    value = 'count("Paid", "30d", "event.total > 9 && event.total < 5")'
    found = check(
        f"playbook: p\nsteps:\n  - update: {{paid: '{value}'}}\n  - branch:\n      - if: {value} >= 1\n        then: [exit: x]\n"
    )
    problem = "event.total > 9 && event.total < 5 can never be true; remove it, or what it contradicts"
    assert found == [
        f"playbooks/p.yaml:3:43: warning never-true: {problem}",
        f"playbooks/p.yaml:5:35: warning never-true: {problem}",
    ]


def test_a_filter_that_some_event_passes_is_left_alone(check: Check) -> None:
    assert check('playbook: p\nsteps:\n  - update: {paid: \'total("Paid", "amount", "event.total > 9")\'}\n') == []


def test_a_value_may_be_false(check: Check) -> None:
    assert check('playbook: p\nsteps:\n  - update: {asked: "false"}\n') == []


def test_an_arm_behind_the_same_question_is_taken_by_nobody(check: Check) -> None:
    arm = "      - if: traits.a == 1\n        then: [{milestone: m}]\n"
    assert check(f"playbook: p\nsteps:\n  - branch:\n{arm}{arm}") == [
        "playbooks/p.yaml:6:9: warning unreachable-step: nobody takes this arm: an earlier one holds whenever it does; "
        "remove one of them"
    ]


def test_a_variant_without_a_share_is_taken_by_nobody(check: Check) -> None:
    found = check(
        "playbook: p\nsteps:\n  - split:\n      a: {share: 100}\n      b: {share: 0, then: [{milestone: m}]}\n"
    )
    assert found == [
        'playbooks/p.yaml:5:7: warning unreachable-step: nobody takes the variant "b": its share is 0; give it a share'
    ]
