"""What the API tells of answers to surveys."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from perennia.api.views import Order, Text, View, Who
from perennia.core.json_values import JsonObject


class ScoreView(View):
    """What some answers come to, with a 95 % interval: ``low`` to ``high``, ``margin`` the half of it.

    ``measure``: ``net_promoter_score`` (-100 to 100), ``top_share`` (per cent with the scale's best label) or ``mean``.
    ``answers``: of each customer the last. ``scores``: how often each score was given. ``name``: of the period or group.
    """

    name: str
    measure: Literal["net_promoter_score", "top_share", "mean"]
    answers: int
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    labels: dict[str, int]
    scores: dict[str, int]


class QuestionReport(View):
    """How one of the further questions was answered. ``counts``: by option or number, of a matrix by ``ROW: NUMBER``.

    ``answers``: how many answered it. Of texts there is nothing to count.
    """

    id: str
    form: Literal["scale", "choice", "text", "matrix"]
    ask: str
    answers: int
    counts: dict[str, int]


class SurveyReport(ScoreView):
    """The whole of it, and its parts. ``waiting``: anonymous answers that are too few to be shown yet."""

    survey: str
    kind: str
    anonymous: bool
    waiting: int
    questions: list[QuestionReport]
    periods: list[ScoreView]
    groups: list[ScoreView]


class ResponseView(View):
    """``cursor``: ask for what stands behind it in the list by ``after``."""

    customer: str
    external_id: str
    score: float | None
    comment: str | None
    source: str
    at: datetime
    answers: JsonObject
    partial: bool
    cursor: str


class UnclaimedView(View):
    """``reason``: why it was given to nobody, in words. ``body``: what was told.

    ``response``: the same for all that was told of one response. ``cursor``: ask for what stands behind it by ``after``.
    """

    id: str
    source: str
    survey: str | None
    reason: str
    at: datetime
    body: str
    response: str | None
    cursor: str


class GiveAnswerBody(Order):
    """``customer``: the contact who answered, by the sender's id or by ours."""

    customer: Text
    by: Who = "api"
