"""Scores of surveys with their intervals, against figures worked out elsewhere."""

from __future__ import annotations

import pytest

from perennia.api.survey_scores import Score, labelled, score_of
from perennia.core.survey_definitions import Survey


def survey(kind: str, **more: object) -> Survey:
    return Survey.model_validate({"survey": "s", "kind": kind, "question": "?", **more})


def test_promoters_less_detractors_of_all() -> None:
    counts = {10.0: 4, 9.0: 2, 8.0: 1, 7.0: 1, 6.0: 1, 0.0: 1}
    assert labelled(survey("nps"), counts) == {"detractor": 2, "passive": 2, "promoter": 6}
    assert score_of(survey("nps"), counts).value == 40.0


def test_the_interval_of_a_net_promoter_score_is_the_adjusted_wald_one() -> None:
    # (60.75 - 20.75) / 103 and 1.96 * sqrt((81.5 / 103 - 0.3883 ** 2) / 103), by hand
    assert score_of(survey("nps"), {10.0: 60, 8.0: 20, 3.0: 20}) == Score("net_promoter_score", 40.0, 23.4, 54.3)


def test_the_share_of_the_best_label_has_the_interval_of_wilson() -> None:
    # 81 of 263: a textbook's example, worked out with R's prop.test without correction
    assert score_of(survey("csat"), {5.0: 40, 4.0: 41, 3.0: 100, 1.0: 82}) == Score("top_share", 30.8, 25.5, 36.6)


def test_nobody_unhappy_is_no_certainty() -> None:
    assert score_of(survey("ces"), {7.0: 10}) == Score("top_share", 100.0, 72.2, 100.0)


def test_a_scale_of_ones_own_has_a_mean_with_the_interval_of_student() -> None:
    # Student's quantile for nine degrees of freedom is 2.262, the standard error 0.957
    assert score_of(survey("custom", scale={"from": 1, "to": 10}), {float(n): 1 for n in range(1, 11)}) == Score(
        "mean", 5.5, 3.33, 7.67
    )


def test_four_scores_have_a_mean_and_no_interval() -> None:
    assert score_of(survey("rqi"), {50.0: 2, 60.5: 2}) == Score("mean", 55.25, None, None)


@pytest.mark.parametrize("kind", ["nps", "csat", "rqi"])
def test_without_answers_there_is_no_score(kind: str) -> None:
    assert score_of(survey(kind), {})[1:] == (None, None, None)
