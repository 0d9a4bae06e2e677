"""What an installation answers about surveys: what their answers come to."""

from __future__ import annotations

from typing import Literal

import msgspec


class PartScore(msgspec.Struct, frozen=True, kw_only=True):
    """What answers come to: ``value``, with 95 % certainty between ``low`` and ``high``. ``name``: of the period or group."""

    name: str
    measure: Literal["net_promoter_score", "top_share", "mean"]
    answers: int
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    labels: dict[str, int]
    scores: dict[str, int]


class QuestionCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How one of a survey's further questions was answered."""

    id: str
    form: str
    ask: str
    answers: int
    counts: dict[str, int]


class SurveyScore(PartScore, frozen=True, kw_only=True):
    """The whole of a survey's answers, and its parts. ``waiting``: anonymous ones that are too few to be shown."""

    survey: str
    kind: str
    anonymous: bool = False
    waiting: int = 0
    questions: list[QuestionCounts] = []
    periods: list[PartScore] = []
    groups: list[PartScore] = []
