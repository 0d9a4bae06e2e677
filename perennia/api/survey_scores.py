"""What the answers to a survey come to: one score with its 95 % interval, so that nobody reads a trend into noise."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist
from typing import Literal, NamedTuple, TypeAlias

from perennia.core.survey_definitions import KINDS, Survey

Measure: TypeAlias = Literal["net_promoter_score", "top_share", "mean"]

_Z = NormalDist().inv_cdf(0.975)
# Fewer scores than these say nothing about how much a mean of them could be off.
_FEWEST_FOR_A_MEAN = 5


class Score(NamedTuple):
    """``value`` within ``low`` and ``high``; all three None where too little was answered.

    ``net_promoter_score``: from -100 to 100. ``top_share``: per cent of the answers that have the scale's best label.
    ``mean``: on the scale itself.
    """

    measure: Measure
    value: float | None
    low: float | None
    high: float | None


def score_of(survey: Survey, counts: Mapping[float, int]) -> Score:
    """The score of ``counts`` (how often each score was given), by the survey's kind."""
    if survey.kind == "nps":
        return _net_promoter_score(labelled(survey, counts))
    if KINDS[survey.kind].labels and survey.labels is None and survey.scale is None and survey.kind != "rqi":
        best = max(survey.label_starts, key=survey.label_starts.__getitem__)
        return _share(labelled(survey, counts).get(best, 0), sum(counts.values()))
    return _mean(counts)


def labelled(survey: Survey, counts: Mapping[float, int]) -> dict[str, int]:
    """How many answers have each label, the lowest first; every label of the survey is there."""
    found = dict.fromkeys(sorted(survey.label_starts, key=survey.label_starts.__getitem__), 0)
    for score, count in counts.items():
        label = survey.label_of(score)
        if label is not None:
            found[label] += count
    return found


def _net_promoter_score(labels: Mapping[str, int]) -> Score:
    """With the adjusted Wald interval: three more answers, spread 3/4, 3/2, 3/4 (Rocks, The American Statistician 70, 2016)."""
    total = sum(labels.values())
    if total == 0:
        return Score("net_promoter_score", None, None, None)
    value = (labels["promoter"] - labels["detractor"]) / total
    promoters, detractors = (labels["promoter"] + 0.75) / (total + 3), (labels["detractor"] + 0.75) / (total + 3)
    middle = promoters - detractors
    half = _Z * sqrt((promoters + detractors - middle**2) / (total + 3))
    return Score(
        "net_promoter_score",
        *(_tenths(100 * part) for part in (value, max(-1.0, middle - half), min(1.0, middle + half))),
    )


def _share(hits: int, total: int) -> Score:
    """With the Wilson interval, which stays between 0 and 100 and holds for few answers, too."""
    if total == 0:
        return Score("top_share", None, None, None)
    share = hits / total
    weight = 1 + _Z**2 / total
    middle = (share + _Z**2 / (2 * total)) / weight
    half = _Z * sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2)) / weight
    return Score("top_share", *(_tenths(100 * part) for part in (share, middle - half, middle + half)))


def _mean(counts: Mapping[float, int]) -> Score:
    """With Student's interval, whose quantile is taken from the normal one (Abramowitz and Stegun, 26.7.5)."""
    total = sum(counts.values())
    if total == 0:
        return Score("mean", None, None, None)
    mean = sum(score * count for score, count in counts.items()) / total
    if total < _FEWEST_FOR_A_MEAN:
        return Score("mean", round(mean, 2), None, None)
    spread = sum(count * (score - mean) ** 2 for score, count in counts.items())
    freedom = total - 1
    quantile = (
        _Z
        + (_Z**3 + _Z) / (4 * freedom)
        + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)
        + (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / (384 * freedom**3)
    )
    half = quantile * sqrt(spread / freedom / total)
    return Score("mean", round(mean, 2), round(mean - half, 2), round(mean + half, 2))


def _tenths(value: float) -> float:
    return round(value, 1)
