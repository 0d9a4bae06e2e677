"""Answers to surveys as facts: the latest of each, read by the survey's own scale."""

from __future__ import annotations

import pytest

from perennia.core.decisions import SurveyAnswered
from tests.support.lives import Life, after

NPS = "survey: nps\nkind: nps\nquestion: How likely?\n---\n"
PROMOTERS = "playbook: p\nenter: {on: [{when: answers.nps.score >= 9}], reenter: always}\nsteps: [{exit: seen}]\n"


def answer_of(kind: str, score: float, more: str = "") -> str | None:
    text = f"survey: s\nkind: {kind}\nquestion: How?\n{more}"
    return Life(text).answer("1h", "s", score).until("2h").world.state.facts.answers["s"].label


@pytest.mark.parametrize(
    ("kind", "score", "label"),
    [
        ("nps", 0, "detractor"),
        ("nps", 6, "detractor"),
        ("nps", 7, "passive"),
        ("nps", 8, "passive"),
        ("nps", 9, "promoter"),
        ("nps", 10, "promoter"),
        ("csat", 3, "neutral"),
        ("csat", 4, "satisfied"),
        ("ces", 4, "neutral"),
        ("ces", 5, "easy"),
        ("rqi", 83.5, "strong"),
        ("custom", 3, None),
    ],
)
def test_each_kind_calls_its_scores_by_name(kind: str, score: float, label: str | None) -> None:
    assert answer_of(kind, score) == label


def test_a_custom_survey_has_a_scale_and_labels_of_its_own() -> None:
    more = "scale: {from: -2, to: 2}\nlabels: {against: -2, 'in-favour': 1}\n"
    assert (answer_of("custom", 0, more), answer_of("custom", 1, more)) == ("against", "in-favour")


def test_an_answer_starts_what_waits_for_its_score() -> None:
    life = Life(NPS + PROMOTERS).answer("1h", "nps", 8).answer("2h", "nps", 9).until("1d")
    assert life.entries == ["2h"]


def test_the_latest_answer_counts() -> None:
    life = Life(NPS + PROMOTERS).answer("1h", "nps", 9).answer("2h", "nps", 3).answer("3h", "nps", 10).until("1d")
    assert life.entries == ["1h", "3h"]


def test_the_instant_of_an_answer_grows_old() -> None:
    text = NPS + "playbook: p\nenter: {on: [{when: 'older(answers.nps.at, \"2d\")'}]}\nsteps: [{exit: seen}]\n"
    assert Life(text).answer("1h", "nps", 8).until("9d").entries == ["2d1h"]


def test_who_has_not_answered_is_told_from_who_has() -> None:
    text = NPS + "playbook: p\nenter: {on: [{event: Go}], where: '!has(answers.nps.score)', reenter: always}\n"
    life = Life(text + "steps: [{exit: seen}]").event("1h", "Go").answer("2h", "nps", 0).event("3h", "Go").until("1d")
    assert (life.entries, life.refusals) == (["1h"], [("3h", "failed_entry_filter")])


@pytest.mark.parametrize(
    ("survey", "score", "reason"),
    [("nps", 11, "outside_scale"), ("nps", 7.5, "outside_scale"), ("gone", 5, "unknown_survey")],
)
def test_what_fits_no_scale_changes_nothing_and_is_noted(survey: str, score: float, reason: str) -> None:
    life = Life(NPS + PROMOTERS).answer("1h", survey, score).until("2h")
    (entry,) = [entry for entry in life.journal if entry.act == "ignored"]
    assert (entry.reason, life.world.state.facts.answers) == (reason, {})


def test_an_accounts_answer_is_the_mean_of_its_contacts_latest() -> None:
    life = Life(NPS, kind="account")
    for at, contact, score in (("1h", "ana", 4), ("2h", "bob", 9), ("3h", "ana", 10), ("4h", "cy", 8)):
        life.put(at, SurveyAnswered(at=after(at), survey="nps", score=score, contact=contact))
    response = life.until("1d").world.state.facts.answers["nps"]
    assert (response.score, response.label) == (9, "promoter")
