"""Playbooks that start and end each other, and entry by stages and ends."""

from __future__ import annotations

import msgspec
import pytest

from perennia.core.advance import advance
from perennia.core.compiled import compile_catalog
from tests.support.lives import TOPICS, Life, after, documents

OUTER = """
playbook: outer
topic: tips
enter: {on: [{event: Go}], reenter: always}
steps:
  - {id: other, enroll: inner, wait: %s, with: {x: traits.x}}
  - email: outer
"""
INNER = """
---
playbook: inner
topic: tips
enter: {where: enter.x == 1}
exit: [{when: happened("Stop"), reason: stopped}]
steps: [{email: inner}, {wait: 2d}]
"""


def test_an_enroll_step_starts_the_other_playbook_and_goes_on() -> None:
    life = Life(OUTER % "false" + INNER, traits={"x": 1}).event("1h", "Go").until("3d")
    assert life.timeline == [
        ("1h", "email outer"),
        ("1h", "email inner"),
        ("1h", "ended completed"),
        ("2d1h", "ended completed"),
    ]


def test_an_enroll_step_that_waits_goes_on_when_the_other_has_ended() -> None:
    life = Life(OUTER % "true" + INNER, traits={"x": 1}).event("0d", "Go").until("3d")
    assert [each for each in life.timeline if each[1] != "ended completed"] == [
        ("0d", "email inner"),
        ("2d", "email outer"),
    ]


def test_the_way_the_other_ended_is_the_result() -> None:
    life = Life(OUTER % "true" + INNER, traits={"x": 1}).event("0d", "Go").event("1d", "Stop").until("1d")
    (ended,) = [entry for entry in life.journal if entry.act == "step_ended" and entry.step == "other"]
    assert (ended.at, ended.detail["ended"]) == (after("1d"), "stopped")


def test_an_entry_that_is_refused_skips_the_step_for_that_reason() -> None:
    life = Life(OUTER % "true" + INNER, traits={"x": 2}).event("0d", "Go").until("1h")
    assert life.timeline == [
        ("0d", "skipped other: failed_entry_filter"),
        ("0d", "email outer"),
        ("0d", "ended completed"),
    ]


def test_an_unenroll_step_ends_the_other_and_says_who_did() -> None:
    book = """
playbook: ender
enter: {on: [{event: End}]}
steps: [{unenroll: inner}]
"""
    life = Life(book + INNER, traits={"x": 1}).enroll("0d", "inner").event("1d", "End").until("3d")
    assert ("1d", "ended unenrolled_by:ender") in life.timeline
    assert life.world.state.enrollments == []


def test_entering_a_stage_starts_a_playbook_each_time() -> None:
    text = """
track: t
stages: [{id: a}, {id: b, enter: traits.b == true}]
move: any
---
playbook: p
enter: {on: [{stage: {t: b}}], reenter: always}
steps: [{exit: done}]
"""
    life = Life(text).traits("1d", b=True).traits("2d", b=False).traits("3d", b=True).stage("4d", "t", "a").until("5d")
    assert life.entries == ["1d", "3d"]


@pytest.mark.parametrize(
    ("end", "entries"), [("completed", ["2d"]), ("goal", ["3d"]), ("exited", ["4d"]), ("any", ["2d", "3d", "4d"])]
)
def test_the_end_of_a_playbook_starts_another(end: str, entries: list[str]) -> None:
    text = """
playbook: first
enter: {on: [{event: Go}], reenter: always}
goal: {when: "traits.way == 'goal'"}
exit: [{when: "traits.way == 'exit'", reason: told}]
steps: [{wait: 2d}]
---
playbook: second
enter: {on: [{playbook: {first: %s}}], reenter: always}
steps: [{wait: 1h}]
"""
    life = Life(text % end).event("0d", "Go").event("2d1h", "Go").traits("3d", way="goal").traits("3d1h", way=None)
    life.event("3d2h", "Go").traits("4d", way="exit").until("5d")
    found = [entry for entry in life.journal if entry.act == "entered" and entry.playbook == "second"]
    assert [entry.at for entry in found] == [after(each) for each in entries]


@pytest.mark.parametrize(("existing", "entered"), [("ignore", 0), ("enroll", 1)])
def test_who_was_known_before_publishing_is_ignored_unless_told(existing: str, entered: int) -> None:
    life = Life("playbook: old\nsteps: [{wait: 1d}]\n", traits={"x": 1}).until("1d")
    text = f"playbook: new\nenter: {{on: [{{when: traits.x == 1}}], existing: {existing}}}\nsteps: [{{wait: 1d}}]\n"
    published = [
        msgspec.structs.replace(each, published_at=after("2d")) for each in documents(TOPICS + "\n---\n" + text)
    ]
    catalog = compile_catalog("r2", published)
    decision = advance(catalog, life.world.state, after("3d"), [], {})
    assert len(decision.state.enrollments) == entered


@pytest.mark.parametrize(("existing", "entered"), [("ignore", []), ("enroll", ["5d"])])
def test_whoever_did_it_before_anybody_counted_is_enrolled_at_publishing_where_that_is_told(
    existing: str, entered: list[str]
) -> None:
    old = "playbook: old\nsteps: [{wait: 1d}]\n"
    text = f"playbook: new\nenter: {{on: [{{when: happened('Did'), existing: {existing}}}]}}\nsteps: [{{wait: 1d}}]\n"
    life = Life(old).event("1d", "Did")
    at = after("5d")
    published = [msgspec.structs.replace(each, published_at=at) for each in documents(TOPICS + "\n---\n" + text)]
    life.world.at(at, lambda world: world.publish(at, compile_catalog("r2", published)))
    life.until("9d")
    assert [entry.at for entry in life.journal if entry.act == "entered"] == [after(each) for each in entered]


def test_unenroll_ends_the_playbook_that_it_names_and_no_other() -> None:
    waits = "playbook: {}\nenter: {{on: [{{event: Go}}]}}\nsteps: [{{wait: 5d}}]\n"
    ends = "playbook: p\nenter: {on: [{event: Stop}]}\nsteps: [{unenroll: q}, {wait: 5d}]\n"
    life = Life("---\n".join([waits.format("q"), waits.format("r"), ends])).event("0d", "Go").event("1d", "Stop")
    assert [each.playbook for each in life.until("2d").world.state.enrollments] == ["r", "p"]
    assert life.timeline == [("1d", "ended unenrolled_by:p")]
