"""Segments: a condition under a name, in expressions and as a trigger."""

from __future__ import annotations

from tests.support.lives import Life

TEXT = """
segment: busy
when: count("Logged In", "2d") >= 2
---
segment: lapsed
when: happened("Logged In") && !in_segment("busy")
---
playbook: p
enter: {on: [{segment: lapsed}], reenter: always}
steps: [{exit: seen}]
"""


def test_coming_into_a_segment_starts_a_playbook_also_by_time_alone() -> None:
    life = Life(TEXT).event("1h", "Logged In").event("2h", "Logged In").until("9d")
    assert life.entries == ["1h", "2d1h"]


def test_a_segment_whose_criterion_ends_in_an_error_has_no_members() -> None:
    text = """
segment: rich
when: traits.money > 5
---
playbook: p
enter: {on: [{event: Go}], where: '!in_segment("rich")'}
steps: [{exit: seen}]
"""
    assert Life(text).event("0d", "Go").until("1h").entries == ["0d"]


def test_a_track_may_read_segments() -> None:
    text = """
segment: busy
when: count("Logged In", "2d") >= 2
---
track: t
stages: [{id: new}, {id: engaged, enter: in_segment("busy")}]
"""
    life = Life(text).event("1h", "Logged In").event("2h", "Logged In").until("1d")
    assert life.timeline == [("0d", "stage t: new"), ("2h", "stage t: engaged")]


def test_a_segment_that_is_not_published_has_no_members() -> None:
    text = "playbook: p\nenter: {on: [{segment: gone}]}\nsteps: [{exit: seen}]\n"
    assert Life(text).until("1d").entries == []


def test_the_evidence_shows_what_the_segment_saw() -> None:
    life = Life(TEXT).event("1h", "Logged In").until("2h")
    (entered,) = [entry for entry in life.journal if entry.act == "entered"]
    assert [part.expression for part in entered.evidence[0].parts] == ['happened("Logged In") && !in_segment("busy")']
