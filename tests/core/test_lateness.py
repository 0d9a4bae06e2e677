"""Behind and stuck: events of those who stay in a stage too long (language, section 7)."""

from __future__ import annotations

from perennia.core.advance import advance, new_customer
from tests.support.lives import START, Life, after, catalog_of

TRACK = """
track: adoption
stages:
  - id: onboarding
    expected: 30d
    stuck: 45d
  - id: adopted
    enter: traits.adopted == true
    expected: 10d
  - id: gone
    enter: traits.gone == true
    end: true
"""
HELP = """
---
playbook: help
topic: tips
enter:
  on: [{event: Stage Behind, where: 'event.stage == "onboarding"'}]
  reenter: always
steps:
  - email: behind
  - wait_for: [{event: Stage Stuck}]
    up_to: 60d
  - email: stuck
"""


def raised(life: Life) -> list[tuple[str, str]]:
    return [(at, what) for at, what in life.timeline if what.startswith("emit ")]


def test_behind_and_stuck_are_raised_at_their_instants_once() -> None:
    assert raised(Life(TRACK).until("300d")) == [("30d", "emit Stage Behind"), ("45d", "emit Stage Stuck")]


def test_the_event_names_track_stage_and_since_when() -> None:
    life = Life(TRACK).until("31d")
    (entry,) = [entry for entry in life.journal if entry.act == "raised"]
    assert {key: entry.detail[key] for key in ("track", "stage", "since")} == {
        "track": "adoption",
        "stage": "onboarding",
        "since": "2026-03-02T09:00:00+00:00",
    }


def test_who_has_left_the_stage_is_not_late_in_it() -> None:
    life = Life(TRACK).traits("29d", adopted=True).until("300d")
    assert raised(life) == [("39d", "emit Stage Behind")]


def test_who_leaves_at_that_very_instant_is_not_late() -> None:
    life = Life(TRACK).traits("30d", gone=True).until("300d")
    assert raised(life) == []


def test_a_playbook_starts_and_a_wait_passes_at_the_same_instant() -> None:
    life = Life(TRACK + HELP).until("300d")
    mails = [each for each in life.timeline if each[1].startswith("email ")]
    assert mails == [("30d", "email behind"), ("45d", "email stuck")]


def test_an_expression_counts_it_at_the_same_instant() -> None:
    book = """
---
playbook: p
topic: tips
enter: {on: [{when: 'happened("Stage Stuck")'}]}
steps: [{email: call}]
"""
    assert ("45d", "email call") in Life(TRACK + book).until("300d").timeline


def test_days_are_those_of_the_customers_clock() -> None:
    # Madrid is an hour further on from 29 March.
    life = Life(TRACK, traits={"timezone": "Europe/Madrid"}).until("31d")
    assert raised(life) == [("29d23h", "emit Stage Behind")]


def test_it_follows_the_zone() -> None:
    life = Life(TRACK, traits={"timezone": "UTC"}).traits("10d", timezone="Europe/Madrid").until("31d")
    assert raised(life) == [("29d23h", "emit Stage Behind")]


def test_who_comes_back_is_expected_anew() -> None:
    life = Life(TRACK + "move: any\n").traits("5d", adopted=True).traits("20d", adopted=False).until("52d")
    assert raised(life) == [("15d", "emit Stage Behind"), ("50d", "emit Stage Behind")]


def test_a_stage_set_again_by_hand_keeps_its_clock() -> None:
    life = Life(TRACK).stage("31d", "adoption", "onboarding").until("300d")
    assert raised(life) == [("30d", "emit Stage Behind"), ("45d", "emit Stage Stuck")]


def test_the_customer_is_woken_for_it_once() -> None:
    life = Life(TRACK).until("1d")
    turns = life.world.turns
    life.until("40d")
    assert life.world.turns == turns + 2  # at 30d, and the last instant looked at


def test_what_fell_due_before_anybody_took_a_new_revision_on_was_raised_at_its_instant() -> None:
    known = advance(catalog_of(TRACK), new_customer("c1", "contact", "ana", START), START, [], {}).state
    decision = advance(catalog_of(TRACK, "r2"), known, after("40d"), [], {})
    assert [(each.at, each.code) for each in decision.journal] == [(after("30d"), "Stage Behind")]
