"""What a contact's playbooks know of its account's health."""

from __future__ import annotations

from tests.support.yaml_scenarios import differences

BOOKS = """
health: fit
scope: account
measures:
  - {id: seats, weight: 1, score: {value: traits.seats, from: 0, to: 100}}
bands: {red: 0, green: 50}
---
playbook: rescue
scope: contact
topic: tips
enter: {on: [{when: health.fit < 50}]}
steps:
  - {id: tip, email: tip}
  - wait_for: [{when: health.fit.band == "green"}]
    up_to: 10d
  - branch:
      - if: health.fit.seats >= 80
        then: [{task: "Praise"}]
---
playbook: thrive
scope: contact
topic: tips
enter: {on: [{event: Asked}], where: health.fit >= 50}
steps: [{email: more}]
"""
ACME = """
scenario: s
customer:
  id: acme
  traits: {seats: 60}
  contacts:
    - {id: ana, email: ana@example.com}
start: 2026-03-02T10:00:00Z
until: 30d
"""


def test_an_accounts_health_starts_and_ends_waits_of_its_contacts_at_once() -> None:
    scenario = """
when:
  - {at: 1d, traits: {seats: 40}}
  - {at: 2d, event: Asked, contact: ana}
  - {at: 3d, traits: {seats: 90}}
  - {at: 4d, event: Asked, contact: ana}
expect:
  - {at: 1d, email: tip, contact: ana}
  - {at: 3d, task: Praise, contact: ana}
  - {at: 4d, email: more, contact: ana}
"""
    assert differences(BOOKS, ACME + scenario) == ""


def test_an_accounts_health_moves_its_contacts_in_their_tracks() -> None:
    text = """
health: fit
scope: account
measures: [{id: used, score: {value: count("Used"), from: 0, to: 1}}]
---
track: mood
scope: contact
stages: [{id: calm}, {id: glad, enter: health.fit >= 50}]
"""
    scenario = """
when:
  - {at: 1d, event: Used}
expect:
  - {at: 1d, stage: {mood: glad}, contact: ana}
"""
    assert differences(text, ACME + scenario) == ""
