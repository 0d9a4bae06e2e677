"""Splits and holdouts: who goes which way is a stable hash of playbook and customer."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from perennia.core.advance import new_customer
from perennia.core.compiled import Rehearsal
from perennia.core.shares import chosen, position_of
from perennia.simulate.world import World
from tests.support.lives import START, Life, PlainText, after, catalog_of

SPLIT = """
playbook: p
topic: tips
enter: {on: [{event: Go}], reenter: always}
steps:
  - id: way
    split:
      a: {share: %s, then: [{email: one}]}
      b: {share: %s, then: [{email: other}]}
  - branch: [{if: steps.way.variant == "b", then: [{email: after-b}]}]
"""

HELD = """
playbook: p
topic: tips
enter: {on: [{event: Go}], holdout: %s}
goal: {when: happened("Won")%s}
exit: [{when: happened("Lost"), reason: lost}]
steps: [{email: never-sent}, {wait: 1d}]
"""


def test_the_position_is_the_first_eight_bytes_of_sha256() -> None:
    digest = hashlib.sha256(b"p:c1:way").digest()
    assert position_of("p", "c1", "way") == int.from_bytes(digest[:8], "big") / 2**64


def test_a_share_begins_where_the_one_before_ends() -> None:
    shares = [("a", 25.0), ("b", 75.0)]
    assert [chosen(position, shares) for position in (0.0, 0.2499, 0.25, 0.9999)] == ["a", "a", "b", "b"]


def test_nobody_falls_behind_the_last_share() -> None:
    assert chosen(1 - 2**-60, [("a", 33.3), ("b", 33.3), ("c", 33.3999999), ("d", 0.0)]) == "c"


def test_a_share_of_less_than_one_percent_has_its_place_at_the_end() -> None:
    assert chosen(1 - 2**-60, [("a", 99.4999999), ("b", 0.5)]) == "b"


def test_a_split_goes_one_way_and_tells_which() -> None:
    life = Life(SPLIT % (0, 100)).event("0d", "Go").until("1d")
    assert [what for _, what in life.timeline] == ["email other", "email after-b", "ended completed"]


def test_a_split_is_sticky_over_enrollments() -> None:
    life = Life(SPLIT % (50, 50)).event("0d", "Go").event("1d", "Go").event("2d", "Go").until("3d")
    # The first 8 bytes of SHA-256("p:ana:way") / 2^64 are 0.97...: the customer's own id, as the sender knows it.
    assert [what for _, what in life.timeline if what in ("email one", "email other")] == ["email other"] * 3


def test_shares_are_kept_over_many_customers() -> None:
    chosen_a = sum(position_of("p", f"customer-{number}", "way") < 0.3 for number in range(2000))
    assert 540 < chosen_a < 660


def test_a_rehearsal_forces_a_variant() -> None:
    catalog = replace(catalog_of(SPLIT % (100, 0)), rehearsal=Rehearsal(variants={"way": "b"}))
    life = Life(SPLIT % (100, 0))
    life.world = World(catalog, new_customer("c1", "contact", "ana", START), PlainText())
    life.traits("0d", email="ana@example.com").event("0d", "Go").until("1d")
    assert life.timeline[0] == ("0d", "email other")


def test_who_is_held_out_runs_no_steps_and_is_completed_after_ninety_days() -> None:
    life = Life(HELD % ("100%", "")).event("0d", "Go").until("91d")
    assert life.timeline == [("90d", "ended completed")]
    assert [(entry.code, entry.reason) for entry in life.journal if entry.act == "entered"] == [
        ("holdout", "in_holdout")
    ]


def test_who_is_held_out_stays_for_as_long_as_the_goal_counts() -> None:
    life = Life(HELD % ("100%", ", within: 7d")).event("0d", "Go").until("91d")
    assert life.timeline == [("7d", "ended completed")]


def test_the_goal_of_who_is_held_out_is_noted_and_completes_it() -> None:
    life = Life(HELD % ("100%", "")).event("0d", "Go").event("3d", "Won").until("91d")
    assert life.timeline == [("3d", "ended completed")]
    assert [entry.detail for entry in life.journal if entry.act == "goal"] == [{"conversion": True}]


def test_an_exit_completes_who_is_held_out() -> None:
    life = Life(HELD % ("100%", "")).event("0d", "Go").event("3d", "Lost").until("91d")
    assert life.timeline == [("3d", "ended completed")]


def test_a_person_cannot_enroll_around_the_holdout() -> None:
    life = Life(HELD % ("100%", "")).enroll("0d", "p").skip("1d", "p").until("2d")
    assert life.timeline == []
    assert life.enrollment.held_out


def test_holdouts_are_off_in_a_rehearsal_unless_all_are_held_out() -> None:
    for share, sent in (("99.9999%", True), ("100%", False)):
        catalog = replace(catalog_of(HELD % (share, "")), rehearsal=Rehearsal(holdouts=False))
        life = Life(HELD % (share, ""))
        life.world = World(catalog, new_customer("c1", "contact", "ana", START), PlainText())
        life.traits("0d", email="ana@example.com").event("0d", "Go")
        life.world.run(after("1h"))
        assert bool(life.timeline) is sent
