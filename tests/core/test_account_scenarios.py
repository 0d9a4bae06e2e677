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
