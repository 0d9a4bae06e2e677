"""Surveys that an account's playbook asks its contacts, and what the account hears of their answers."""

from __future__ import annotations

import pytest

from perennia.core.advance import new_customer
from perennia.core.decisions import SurveyAnswered, TraitsChanged
from tests.support.lives import START, Life, after
from tests.support.yaml_scenarios import differences, lived

ACME = """
scenario: s
customer:
  id: acme
  contacts:
    - {id: ana, email: ana@example.com, roles: [champion]}
    - {id: bo, email: bo@example.com, roles: [champion]}
    - {id: cy, email: cy@example.com}
start: 2026-03-02T10:00:00Z
until: 30d
when:
  - {at: 1d, event: Review Due}
"""
ASK = """
survey: nps
kind: nps
question: How likely?
---
playbook: review
scope: account
topic: tips
enter: {on: [{event: Review Due}]}
steps:
  - {id: ask, survey: nps, to: {role: champion}, wait: 7d, remind: [3d]}
  - wait: 1d
  - branch:
      - if: steps.ask.answered == true && steps.ask.score >= 7
        then: [{task: Thank them}]
    else: [{task: Look after them}]
  - wait: 5d
  - branch:
      - if: steps.ask.label == "detractor"
        then: [{task: Call}]
"""


def test_an_account_asks_those_of_a_role_and_goes_on_when_all_have_answered_with_their_mean() -> None:
    scenario = """
  - {at: 2d, answer: {survey: nps, score: 10}, contact: ana}
  - {at: 5d, answer: {survey: nps, score: 6}, contact: bo}
expect:
  - {at: 1d, survey: nps, contact: ana}
  - {at: 1d, survey: nps, contact: bo}
  - {at: 4d, survey: nps, contact: bo}
  - {at: 6d, task: Thank them}
  - never: {survey: "*", contact: cy}
"""
    assert differences(ASK, ACME + scenario) == ""


def test_the_limit_ends_the_step_for_those_who_say_nothing_and_a_late_answer_is_learned() -> None:
    scenario = """
  - {at: 10d, answer: {survey: nps, score: 3}, contact: bo}
expect:
  - {at: 1d, survey: nps, contact: ana}
  - {at: 1d, survey: nps, contact: bo}
  - {at: 4d, survey: nps, contact: ana}
  - {at: 4d, survey: nps, contact: bo}
  - {at: 9d, task: Look after them}
  - {at: 14d, task: Call}
"""
    assert differences(ASK, ACME + scenario) == ""


def test_who_may_not_be_asked_is_skipped_and_the_others_are_asked() -> None:
    scenario = """
  - {at: 2d, answer: {survey: nps, score: 9}, contact: bo}
expect:
  - {at: 1d, skipped: {ask: unsubscribed_topic}, contact: ana}
  - {at: 1d, survey: nps, contact: bo}
  - {at: 3d, task: Thank them}
"""
    unsubscribed = ACME.replace("when:\n", "when:\n  - {at: 0d, unsubscribe: tips, contact: ana}\n")
    assert differences(ASK, unsubscribed + scenario) == ""


def test_a_survey_that_waits_for_nobody_leaves_the_account_at_once() -> None:
    text = ASK.replace("wait: 7d, remind: [3d]", "wait: 0")
    result = lived(text, ACME + "expect: [{at: 2d, task: Look after them}]\nstrict: false\n")
    assert result.differences == ()


def acme_with_bo() -> Life:
    acme = Life(ASK, kind="account")
    acme.world.settle(new_customer("c2", "contact", "bo", START), ("champion",))
    acme.world.at(START, TraitsChanged(at=START, traits={"email": "bo@example.com"}), "c2")
    return acme


@pytest.mark.parametrize(("partial", "calls"), [(True, 0), (False, 1)])
def test_a_late_answer_is_learned_by_the_account_s_step_once_it_is_finished(partial: bool, calls: int) -> None:
    acme = acme_with_bo().event("1d", "Review Due")
    acme.put("10d", SurveyAnswered(at=after("10d"), survey="nps", score=3, partial=partial, contact="bo"))
    assert acme.until("20d").timeline.count(("14d", 'task "Call"')) == calls


def test_the_wait_of_contacts_for_a_response_is_retimed_where_the_account_is_migrated() -> None:
    acme = acme_with_bo()
    acme.event("1d", "Review Due").publish("2d", ASK.replace("wait: 7d", "wait: 2d"), "migrate").until("5d")
    assert acme.timeline == [("1d", "survey nps"), ("4d", 'task "Look after them"')]
