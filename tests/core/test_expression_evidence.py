"""What an expression says about itself: what it reads, and what each of its parts saw."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perennia.core.expressions import compile_expression
from perennia.core.json_values import Json
from tests.support.watched import ALL_NAMES, Watched, days, expression

TRAITS: dict[str, Json] = {"plan": "pro"}
NOW = days(30)


def test_an_expression_says_what_it_reads() -> None:
    asked = compile_expression(
        'traits.address.city == "x" && contact.email != null && steps["a-b"].outcome == "done" && stage.adoption == "on"'
        ' && in_stage("risk", "red") && count(["A", "B"], "3d") > 1',
        names=ALL_NAMES,
    )
    assert asked.reads == {"traits.address.city", "contact.email", "steps.a-b.outcome", "stage.adoption"}
    assert asked.traits == {"address", "email"}
    assert asked.tracks == {"adoption", "risk"}
    assert asked.events == {"A", "B"}
    assert [(spec.event, spec.window and spec.window.text) for spec in asked.tallies] == [("A", "3d"), ("B", "3d")]


def test_an_expression_says_which_health_scores_it_reads() -> None:
    assert expression('health.fit > 50 && health.fit.logins > 10 && traits.plan == "pro"').healths == {"fit"}
    assert expression("health > 50").healths == {""}


def test_an_expression_reads_what_the_criterion_of_a_segment_reads() -> None:
    segments = {"on": 'stage.adoption == "on" && traits.plan == "pro" && older(traits.since, "3d")'}
    asked = compile_expression('in_segment("on")', names=ALL_NAMES, segments=segments)
    assert asked.reads == {"stage.adoption", "traits.plan", "traits.since"}
    assert (asked.tracks, asked.traits, asked.follows_zone) == ({"adoption"}, {"plan", "since"}, True)


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ('traits.plan == "pro" && count("A", "36h") > 1', False),
        ('count("A", "1d12h") > 1', True),
        ('older(traits.t, "3h")', True),
    ],
)
def test_spans_of_days_and_dates_follow_the_customers_zone(text: str, follows: bool) -> None:
    assert expression(text).follows_zone is follows


def test_evidence_shows_each_part_and_what_it_saw() -> None:
    asked = Watched('traits.plan == "pro" && count("A", "30d") >= 3', traits=TRAITS).sees(days(28))
    evidence = asked.expression.explain(asked.view(NOW))
    assert (evidence.expression, evidence.value) == ('traits.plan == "pro" && count("A", "30d") >= 3', False)
    assert [(part.expression, part.value, part.values) for part in evidence.parts] == [
        ('traits.plan == "pro"', True, {"traits.plan": "pro"}),
        ('count("A", "30d") >= 3', False, {'count("A", "30d")': 1, "last": "2026-01-29T00:00:00Z"}),
    ]


@pytest.mark.parametrize(("logins", "told"), [(2, 2), (3, 3), (5, "3 or more")])
def test_evidence_of_a_count_tells_no_more_than_what_is_kept_of_it(logins: int, told: int | str) -> None:
    asked = Watched('count("A", "30d") >= 3').sees(*(days(10 + each) for each in range(logins)))
    assert asked.expression.explain(asked.view(NOW)).values['count("A", "30d")'] == told


def test_evidence_names_the_error() -> None:
    asked = Watched("!(traits.gone > 3)")
    assert asked.expression.explain(asked.view(NOW)).error == "traits.gone is missing"


def test_an_expression_serves_two_customers_at_once() -> None:
    asked = expression('traits.plan + "!"')
    one, other = Watched("true", traits={"plan": "a"}), Watched("true", traits={"plan": "b"})
    assert asked.evaluate(one.view(NOW)).value == "a!"
    assert asked.evaluate(other.view(NOW + timedelta(days=1))).value == "b!"
