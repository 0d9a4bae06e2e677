"""An account and its contacts in one scenario: whose input is whose, and who is told what."""

from __future__ import annotations

import pytest

from tests.support.yaml_scenarios import differences, lived

GREET = """
playbook: greet
topic: tips
enter: {on: [{event: Signed In}]}
steps: [{email: hello}]
"""
HEARD = """
playbook: heard
scope: account
enter: {on: [{event: Signed In, where: event.contact == "bo"}]}
steps: [{task: Call}]
"""
ACME = """
scenario: s
customer:
  id: acme
  timezone: Europe/Berlin
  traits: {plan: pro}
  contacts:
    - {id: ana, email: ana@example.com, roles: [admin], timezone: Asia/Tokyo}
    - {id: bo, email: bo@example.com, traits: {first_name: Bo}}
start: 2026-03-02T10:00:00+01:00
until: 10d
"""


def test_a_contacts_event_is_its_own_and_its_accounts_with_its_name() -> None:
    scenario = """
when:
  - {at: 1d, event: Signed In, contact: ana}
  - {at: 2d, event: Signed In, contact: bo}
expect:
  - {at: 1d, email: hello, contact: ana}
  - {at: 2d, email: hello, contact: bo}
  - {at: 2d, task: Call}
  - never: {email: "*", contact: acme}
"""
    assert differences(f"{GREET}---\n{HEARD}", ACME + scenario) == ""


def test_nobody_looks_at_an_account_before_its_traits_have_arrived() -> None:
    track = """
track: standing
scope: account
stages: [{id: before}, {id: customer, enter: traits.plan == "pro"}]
min_dwell: 1d
---
playbook: lost
scope: account
enter: {on: [{when: traits.plan != "pro"}]}
steps: [{task: Find out}]
"""
    scenario = (
        "expect: [{at: 0d, stage: {standing: customer}}, {never: {task: '*'}}, {never: {stage: {standing: before}}}]\n"
    )
    assert differences(track, ACME + scenario) == ""


def test_an_accounts_own_event_reaches_no_contact() -> None:
    scenario = "when: [{at: 1d, event: Signed In}]\nexpect: [{never: {email: '*'}}, {never: {task: '*'}}]\n"
    assert differences(f"{GREET}---\n{HEARD}", ACME + scenario) == ""


def test_an_accounts_traits_reach_its_contacts_at_their_instant() -> None:
    told = """
playbook: told
topic: tips
enter: {on: [{when: account.plan == "max" && contact.first_name == "Bo"}]}
steps: [{email: hello}]
"""
    scenario = "when: [{at: 3h, traits: {plan: max}}]\nexpect: [{at: 3h, email: hello, contact: bo}]\n"
    assert differences(told, ACME + scenario) == ""


def test_a_contact_without_a_zone_lives_in_its_accounts() -> None:
    morning = """
playbook: morning
topic: tips
enter: {on: [{event: Signed In}]}
steps: [{wait: {until: "09:00"}}, {email: hello}]
"""
    scenario = """
when:
  - {at: 0d, event: Signed In, contact: ana}
  - {at: 0d, event: Signed In, contact: bo}
expect:
  - {at: 2026-03-03T00:00:00Z, email: hello, contact: ana}
  - {at: 2026-03-03T08:00:00Z, email: hello, contact: bo}
"""
    assert differences(morning, ACME + scenario) == ""


def test_what_happens_to_several_contacts_at_one_instant_may_be_expected_in_any_order() -> None:
    scenario = """
when:
  - {at: 1d, event: Signed In, contact: ana}
  - {at: 1d, event: Signed In, contact: bo}
expect:
  - {at: 1d, email: hello, contact: bo}
  - {at: 1d, email: hello, contact: ana}
"""
    assert differences(GREET, ACME + scenario) == ""


def test_an_input_of_one_contact_is_no_other_contacts() -> None:
    scenario = """
when:
  - {at: 0d, unsubscribe: tips, contact: ana}
  - {at: 0d, suppress: true, contact: bo}
  - {at: 1d, event: Signed In, contact: ana}
  - {at: 1d, event: Signed In, contact: bo}
expect:
  - {at: 1d, skipped: {email-1: unsubscribed_topic}, contact: ana}
  - {at: 1d, skipped: {email-1: suppressed}, contact: bo}
"""
    assert differences(GREET, ACME + scenario) == ""


def test_a_failed_scenario_names_the_contact() -> None:
    scenario = "when: [{at: 1d, event: Signed In, contact: bo}]\nexpect: [{at: 1d, email: hello, contact: ana}]\n"
    assert "email hello (bo)" in differences(GREET, ACME + scenario)


@pytest.mark.parametrize("times", [1, 2])
def test_an_account_lives_alike_each_time(times: int) -> None:
    scenario = "when: [{at: 1d, event: Signed In, contact: bo}]\nexpect: [{at: 1d, task: Call}]\n"
    first = lived(f"{GREET}---\n{HEARD}", ACME + scenario)
    for _ in range(times):
        assert lived(f"{GREET}---\n{HEARD}", ACME + scenario).actual == first.actual


# --- messages to contacts -------------------------------------------------------------------------------------------

REVIEW = """
playbook: review
scope: account
topic: tips
enter: {on: [{event: Review Due}]}
steps:
  - {id: ask, email: qbr, to: {role: admin}}
  - {id: tell, email: news, to: all, if: steps.ask.outcome == "sent"}
  - {id: none, email: qbr, to: {role: sponsor}}
  - {id: owner, email: heads-up, to: owner}
"""
DUE = "owner: {id: sam, email: sam@example.com}\nwhen:\n  - {at: 1d, event: Review Due}\n"


def test_a_step_of_an_account_writes_to_the_contacts_of_a_role_to_all_and_to_the_owner() -> None:
    scenario = """
expect:
  - {at: 1d, email: qbr, contact: ana}
  - {at: 1d, email: news, contact: ana}
  - {at: 1d, email: news, contact: bo}
  - {at: 1d, skipped: {none: no_recipient}}
  - {at: 1d, email: heads-up, to: owner}
  - {at: 1d, ended: completed, playbook: review}
"""
    assert differences(REVIEW, ACME + DUE + scenario) == ""


def test_each_recipient_is_decided_on_its_own_and_one_sent_message_is_enough() -> None:
    scenario = """
  - {at: 0d, unsubscribe: tips, contact: bo}
expect:
  - {at: 1d, email: qbr, contact: ana}
  - {at: 1d, email: news, contact: ana}
  - {at: 1d, skipped: {tell: unsubscribed_topic}, contact: bo}
  - {at: 1d, email: heads-up}
"""
    assert differences(REVIEW, ACME + DUE + scenario) == ""


def test_what_became_of_each_message_is_in_the_steps_result() -> None:
    text = (
        REVIEW
        + """
  - branch:
      - if: steps.tell.messages.ana.outcome == "sent" && steps.tell.messages.bo.reason == "suppressed"
        then: [{task: Right}]
"""
    )
    scenario = """
  - {at: 0d, suppress: true, contact: bo}
expect:
  - {at: 1d, email: qbr}
  - {at: 1d, email: news}
  - {at: 1d, email: heads-up}
  - {at: 1d, task: Right}
"""
    assert differences(text, ACME + DUE + scenario) == ""


def test_a_step_that_reaches_nobody_who_may_be_written_to_is_skipped_for_their_reason() -> None:
    scenario = """
  - {at: 0d, unsubscribe: tips, contact: ana}
expect:
  - {at: 1d, skipped: {ask: unsubscribed_topic}, contact: ana}
  - {at: 1d, skipped: {tell: step_condition_false}}
  - {at: 1d, email: heads-up}
"""
    assert differences(REVIEW, ACME + DUE + scenario) == ""


def test_roles_count_as_they_are_when_the_step_is_reached() -> None:
    scenario = """
  - {at: 12h, traits: {roles: [billing]}, contact: ana}
  - {at: 12h, traits: {roles: [admin, champion]}, contact: bo}
expect:
  - {at: 1d, email: qbr, contact: bo}
  - {at: 1d, email: news}
  - {at: 1d, email: news}
  - {at: 1d, email: heads-up}
"""
    assert differences(REVIEW, ACME + DUE + scenario) == ""


def test_an_account_goes_on_when_the_last_message_has_ended() -> None:
    scenario = """
provider: [{at: 0d, email: fails, times: 2}]
expect:
  - {at: 1d, email: qbr, contact: ana}
  - {at: 2026-03-03T09:00:03Z, email: news, contact: ana}
  - {at: 2026-03-03T09:00:03Z, email: news, contact: bo}
  - {at: 2026-03-03T09:00:03Z, email: heads-up}
"""
    assert differences(REVIEW, ACME + DUE + scenario) == ""


def test_the_end_of_an_accounts_enrollment_takes_back_what_its_contacts_have_not_sent() -> None:
    text = REVIEW.replace("enter:", "exit: [{when: traits.gone == true, reason: gone}]\nenter:")
    scenario = """
  - {at: 2026-03-03T09:00:02Z, traits: {gone: true}}
provider: [{at: 0d, email: fails, times: 9}]
expect:
  - {at: 1d, email: qbr, contact: ana}
  - {at: 2026-03-03T09:00:02Z, ended: gone}
"""
    result = lived(text, ACME + DUE + scenario)
    assert result.differences == ()
    assert "handed_over" in [entry.act for entry in result.journal]


# --- playbooks of contacts ------------------------------------------------------------------------------------------

ONBOARD = """
playbook: onboard
scope: account
enter: {on: [{event: Signed}]}
steps:
  - {id: each, enroll: welcome, to: {role: admin}, with: {plan: traits.plan}, late_joiners: true, wait: true}
  - {task: All through}
  - wait: 20d
---
playbook: welcome
topic: tips
enter: {where: enter.plan == "pro"}
steps: [{email: hello}, {wait: 2d}]
"""
SIGNED = "when:\n  - {at: 1d, event: Signed}\n"


def test_an_account_enrolls_the_contacts_of_a_role_and_waits_until_all_have_ended() -> None:
    scenario = """
expect:
  - {at: 1d, enrolled: welcome, contact: ana}
  - {at: 1d, email: hello, contact: ana}
  - {at: 3d, ended: completed, contact: ana}
  - {at: 3d, task: All through}
  - never: {enrolled: welcome, contact: bo}
"""
    assert differences(ONBOARD, ACME + SIGNED + scenario) == ""


def test_a_contact_who_gains_the_role_is_enrolled_late_and_waited_for_too() -> None:
    scenario = """
  - {at: 2d, traits: {roles: [admin]}, contact: bo}
expect:
  - {at: 1d, email: hello, contact: ana}
  - {at: 2d, email: hello, contact: bo}
  - {at: 4d, task: All through}
"""
    assert differences(ONBOARD, ACME + SIGNED + scenario) == ""


def test_a_contact_who_gains_the_role_after_the_step_is_enrolled_while_the_enrollment_lives() -> None:
    scenario = """
  - {at: 5d, traits: {roles: admin}, contact: bo}
expect:
  - {at: 1d, email: hello, contact: ana}
  - {at: 3d, task: All through}
  - {at: 5d, email: hello, contact: bo}
"""
    assert differences(ONBOARD, ACME + SIGNED + scenario) == ""


def test_a_refused_enrollment_is_waited_for_no_longer() -> None:
    scenario = """
  - {at: 0d, traits: {plan: free}}
expect:
  - {at: 1d, task: All through}
  - never: {enrolled: welcome}
"""
    assert differences(ONBOARD, ACME + SIGNED + scenario) == ""


def test_a_playbook_for_contacts_of_a_role_that_nobody_has_is_skipped() -> None:
    text = ONBOARD.replace("{role: admin}", "{role: sponsor}")
    scenario = "expect: [{at: 1d, skipped: {each: no_recipient}}, {at: 1d, task: All through}]\n"
    assert differences(text, ACME + SIGNED + scenario) == ""


# --- what an account and its contacts hear of each other ------------------------------------------------------------


def test_an_event_that_a_contacts_playbook_emits_is_its_accounts_too() -> None:
    text = """
playbook: greet
enter: {on: [{event: Signed In}]}
steps: [{emit: Greeted, with: {how: '"well"'}}]
---
playbook: heard
scope: account
enter: {on: [{event: Greeted, where: event.contact == "bo" && event.how == "well"}]}
steps: [{task: Call}]
"""
    scenario = "when: [{at: 1d, event: Signed In, contact: bo}]\nexpect: [{at: 1d, task: Call}]\n"
    assert differences(text, ACME + scenario) == ""


def test_an_accounts_stage_reaches_its_contacts() -> None:
    text = """
track: adoption
scope: account
stages: [{id: new}, {id: live, enter: traits.live == true}]
---
playbook: cheer
topic: tips
enter: {on: [{stage: {adoption: live}}]}
steps: [{email: hello, if: stage.adoption == "live"}]
---
playbook: later
topic: tips
enter: {on: [{when: 'in_stage("adoption", "live", "3d")'}]}
steps: [{email: still-live}]
"""
    scenario = """
playbook: [cheer, later]
when: [{at: 1d, traits: {live: true}}]
expect:
  - {at: 1d, stage: {adoption: live}}
  - {at: 1d, email: hello, contact: ana}
  - {at: 1d, email: hello, contact: bo}
  - {at: 4d, email: still-live, contact: ana}
  - {at: 4d, email: still-live, contact: bo}
"""
    assert differences(text, ACME + scenario) == ""


def test_a_circle_between_an_account_and_its_contacts_is_stopped() -> None:
    text = """
playbook: ping
enter: {reenter: always}
steps: [{emit: Pinged}]
---
playbook: pong
scope: account
enter: {on: [{event: Pinged}, {event: Start}], reenter: always}
steps: [{enroll: ping, to: {role: admin}}]
"""
    scenario = "when: [{at: 1d, event: Start}]\nexpect: [{at: 1d, enrolled: ping, contact: ana}]\n"
    result = lived(text, ACME + scenario)
    assert result.differences == ()
    assert sum(entry.act == "entered" and entry.playbook == "ping" for entry in result.journal) == 100
    assert [entry.reason for entry in result.journal if entry.act == "refused"] == ["loop_guard"]
