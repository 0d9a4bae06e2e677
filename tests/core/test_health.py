"""Health scores: at once by their inputs, by time alone on the hour, with what each measure brought."""

from __future__ import annotations

import pytest

from perennia.core.advance import advance, new_customer
from perennia.core.decisions import CustomerEvent
from tests.support.lives import START, Life, after, catalog_of

LOGINS = """
health: h
measures:
  - {id: logins, weight: 3, score: {value: 'count("In", "1d")', from: 0, to: 4}}
bands: {red: 0, yellow: 50, green: 75}
---
track: t
stages: [{id: poor}, {id: fair, enter: health >= 50}, {id: good, enter: health >= 100}]
move: any
"""


def bands(life: Life) -> list[tuple[str, str]]:
    return [(entry.at.strftime("%d %H:%M:%S"), entry.code) for entry in life.journal if entry.act == "health"]


def score_of(value: str, *, traits: str = "{}", more: str = "") -> float | None:
    text = f"health: h\nmeasures: [{{id: m, score: {{value: '{value}', from: 0, to: 10}}{more}}}]\n"
    life = Life(text + "---\nplaybook: p\nenter: {on: [{event: Go}]}\nsteps: [{exit: seen}]\n", traits={"seats": 4})
    return life.until("1h").world.state.healths["h"].score


def test_an_input_moves_the_score_at_once() -> None:
    life = Life(LOGINS).event("20m", "In").event("35m10s", "In").until("1h")
    assert life.timeline == [("0d", "stage t: poor"), ("35m10s", "stage t: fair")]


def test_time_alone_moves_the_score_on_the_next_full_hour() -> None:
    life = Life(LOGINS).event("20m", "In").event("35m", "In").until("2d")
    assert life.timeline[-1] == ("1d1h", "stage t: poor")
    assert bands(life) == [("02 09:00:00", "red"), ("02 09:35:00", "yellow"), ("03 10:00:00", "red")]


def test_what_leaves_a_span_on_the_hour_counts_on_that_hour() -> None:
    life = Life(LOGINS).event("1h", "In").event("2h", "In").until("2d")
    assert life.timeline[-1] == ("1d1h", "stage t: poor")


def test_the_full_hour_is_that_of_the_customers_clocks() -> None:
    life = Life(LOGINS, traits={"timezone": "Asia/Kolkata"}).event("10m", "In").event("20m", "In").until("2d")
    assert life.timeline[-1] == ("1d30m", "stage t: poor")


def test_an_input_brings_what_time_had_moved_up_to_date_before_the_hour() -> None:
    text = LOGINS.replace("bands:", "  - {id: late, score: {value: traits.x, from: 1, to: 0}, missing: skip}\nbands:")
    life = Life(text).event("20m", "In").event("30m", "In").event("35m", "In").event("36m", "In").until("1d")
    life.traits("1d25m", x=0).until("1d26m")
    assert life.world.state.healths["h"].measures == {"logins": 75, "late": 100}


def test_who_has_nothing_that_time_could_move_is_never_woken() -> None:
    life = Life(LOGINS).event("20m", "In").until("30d")
    woken = life.world.turns
    life.until("300d")
    assert life.world.turns == woken + 1  # the one that `until` asks for


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ("traits.seats", 40),
        ("traits.seats * 5", 100),
        ("traits.seats - 9", 0),
        ("traits.nothing", None),
        ("traits.email", None),
        ("traits.seats == 4", 10),
        ("traits.seats / 0", None),
    ],
)
def test_a_measure_is_linear_and_stops_at_both_ends_and_is_missing_without_a_number(
    value: str, score: float | None
) -> None:
    assert score_of(value) == score


def test_a_measure_whose_from_lies_above_its_to_is_turned_round() -> None:
    text = "health: h\nmeasures: [{id: m, score: {value: traits.tickets, from: 10, to: 0}}]\n"
    life = Life(text).traits("1h", tickets=2).until("2h")
    assert life.world.state.healths["h"].score == 80


def test_a_missing_measure_leaves_the_sum_or_counts_as_nothing() -> None:
    text = """
health: {name}
measures:
  - {{id: a, weight: 3, score: {{value: traits.a, from: 0, to: 10}}}}
  - {{id: b, weight: 1, score: {{value: traits.b, from: 0, to: 10}}, missing: {missing}}}
"""
    life = Life(text.format(name="skips", missing="skip") + "---" + text.format(name="counts", missing=0))
    life.traits("1h", a=8).until("2h")
    scores = {name: health.score for name, health in life.world.state.healths.items()}
    assert scores == {"skips": 80, "counts": 60}


def test_without_any_measure_the_score_is_missing_and_in_no_band() -> None:
    text = """
health: h
measures: [{id: m, score: {value: traits.x, from: 0, to: 1}}]
bands: {red: 0}
---
track: t
stages: [{id: unknown}, {id: known, enter: health != null}, {id: red, enter: health.h.band == "red"}]
"""
    life = Life(text).traits("1h", x=0).until("2h")
    assert life.timeline == [("0d", "stage t: unknown"), ("1h", "stage t: red")]


def test_thirds_come_out_as_people_would_work_them_out() -> None:
    text = """
health: h
measures:
  - {id: a, score: {value: traits.a, from: 0, to: 3}}
  - {id: b, score: {value: traits.b, from: 0, to: 3}}
---
track: t
stages: [{id: low}, {id: half, enter: health >= 50}]
"""
    life = Life(text).traits("1h", a=1, b=2).until("2h")
    assert life.timeline[-1] == ("1h", "stage t: half")
    assert life.world.state.healths["h"].measures == {"a": 33.333333, "b": 66.666667}


def test_a_playbook_may_name_a_measure_in_brackets_and_is_entered_by_it() -> None:
    text = """
health: of-use
measures: [{id: logins, score: {value: 'count("In")', from: 0, to: 2}}]
---
playbook: p
enter: {on: [{when: 'health["of-use"].logins >= 50'}]}
steps: [{exit: seen}]
"""
    assert Life(text).event("1h", "In").until("2h").entries == ["1h"]


def test_a_score_that_reads_a_stage_that_reads_a_score_is_right_at_once() -> None:
    text = """
health: a
measures: [{id: of, score: {value: 'stage.t == "good" ? 10 : 0', from: 0, to: 10}}]
---
track: t
stages: [{id: bad}, {id: good, enter: health.b >= 50}]
---
health: b
measures: [{id: x, score: {value: traits.x, from: 0, to: 10}}]
bands: {low: 0, high: 50}
---
playbook: p
enter: {on: [{when: health.b >= 50}]}
steps: [{branch: [{if: health.a == 100, then: [{exit: right}]}], else: [{exit: stale}]}]
"""
    assert Life(text).traits("1h", x=5).until("2h").timeline[-1] == ("1h", "ended right")


def test_a_change_of_band_tells_what_every_measure_brought() -> None:
    text = """
health: h
measures:
  - {id: use, weight: 3, score: {value: traits.use, from: 0, to: 10}}
  - {id: mood, weight: 1, score: {value: traits.mood, from: 0, to: 10}}
bands: {red: 0, green: 75}
"""
    life = Life(text).traits("1h", use=10, mood=4).until("2h")
    (entry,) = [entry for entry in life.journal if entry.act == "health"]
    assert entry.code == "green"
    assert entry.detail["measures"] == {
        "use": {"score": 100, "weight": 3, "points": 75},
        "mood": {"score": 40, "weight": 1, "points": 10},
    }


def test_an_hour_that_clocks_repeat_is_two_hours_for_a_score() -> None:
    # Berlin, 2026-10-25: clocks show 02:00 to 03:00 twice. 09:00 UTC on 2 March + 236d14h30m is 23:30 UTC on the 24th.
    life = Life(LOGINS.replace('"1d"', '"1h"'), traits={"timezone": "Europe/Berlin"})
    life.event("236d15h10m", "In").event("236d15h20m", "In").until("238d")
    assert life.timeline[-1] == ("236d17h", "stage t: poor")


def test_what_moved_a_score_before_anybody_took_a_new_revision_on_moved_it_at_its_hour() -> None:
    told = [CustomerEvent(at=START, seq=seq, name="In") for seq in (1, 2, 3, 4)]
    known = advance(catalog_of(LOGINS), new_customer("c1", "contact", "ana", START), START, told, {}).state
    decision = advance(catalog_of(LOGINS, "r2"), known, after("2d"), [], {})
    assert [(each.at, each.code) for each in decision.journal if each.act == "health"] == [(after("1d"), "red")]


def test_a_measure_without_a_value_brings_nothing_or_is_left_out() -> None:
    text = """
health: h
measures:
  - {id: seats, weight: 1, score: {value: traits.seats, from: 0, to: 10}}
  - {id: calls, weight: 3, missing: "0", score: {value: traits.calls, from: 0, to: 10}}
  - {id: visits, weight: 2, score: {value: traits.visits, from: 0, to: 10}}
bands: {red: 0, green: 50}
"""
    life = Life(text, traits={"seats": 8}).until("1h")
    (told,) = [entry.detail for entry in life.journal if entry.act == "health"]
    assert (told["score"], told["measures"]) == (
        20,
        {
            "seats": {"score": 80, "weight": 1, "points": 20},
            "calls": {"score": None, "weight": 3, "points": 0},
            "visits": {"score": None, "weight": 2, "points": None},
        },
    )


def test_a_publication_of_something_else_tells_no_band_anew() -> None:
    life = Life(LOGINS).event("20m", "In").event("30m", "In")
    life.publish("5h", "playbook: other\nsteps: [{wait: 1d}]\n").until("6h")
    assert bands(life) == [("02 09:00:00", "red"), ("02 09:30:00", "yellow")]


def test_a_stage_that_reads_the_only_score_is_right_at_once() -> None:
    text = """
track: t
stages: [{id: bad}, {id: good, enter: health >= 50}]
---
health: h
measures: [{id: of, score: {value: 'stage.u == "up" ? 10 : 0', from: 0, to: 10}}]
---
track: u
stages: [{id: down}, {id: up, enter: traits.x == 5}]
---
playbook: p
enter: {on: [{when: health >= 50}], where: stage.t == "good"}
steps: [{exit: seen}]
"""
    assert Life(text).traits("1h", x=5).until("2h").entries == ["1h"]
