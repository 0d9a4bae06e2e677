"""Surveys of several questions: who is asked what, what answers a question, the score, and what playbooks learn when."""

from __future__ import annotations

import pytest

from perennia.core.decisions import SurveyAnswered
from perennia.core.json_values import Json, JsonObject
from perennia.core.questionnaire import lacking, objection, on_route, route, score_of
from perennia.core.survey_definitions import Survey
from tests.support.lives import Life, after

REVIEW = Survey.model_validate(
    {
        "survey": "review",
        "kind": "nps",
        "question": "How likely?",
        "follow_up": {"detractor": "What went wrong?"},
        "questions": [
            {"id": "why", "choice": "Why?", "options": {"speed": "Fast", "cost": "Cheap"}, "if": "answer.score >= 9"},
            {"id": "uses", "choice": "For what?", "options": {"a": "A", "b": "B"}, "many": True},
            {"id": "parts", "matrix": "How good?", "rows": {"help": "Help", "docs": "Docs"}, "required": True},
            {"id": "more", "text": "What else?", "if": 'answer.why == "cost" || "b" in answer.uses'},
        ],
    }
)


@pytest.mark.parametrize(
    ("answers", "way"),
    [
        ({}, ["score", "uses", "parts"]),
        ({"score": 3}, ["score", "comment", "uses", "parts"]),
        ({"score": 9}, ["score", "why", "uses", "parts"]),
        ({"score": 9, "why": "cost"}, ["score", "why", "uses", "parts", "more"]),
        ({"score": 3, "why": "cost"}, ["score", "comment", "uses", "parts"]),  # `why` was not asked
        ({"uses": ["b"]}, ["score", "uses", "parts", "more"]),
    ],
)
def test_a_question_is_asked_where_the_answers_before_lead_to_it(answers: JsonObject, way: list[str]) -> None:
    assert route(REVIEW, answers) == way


def test_what_was_answered_on_another_way_is_left_out() -> None:
    answers: JsonObject = {"score": 3, "comment": "Slow", "why": "cost", "more": "x", "uses": ["a"]}
    assert on_route(REVIEW, answers) == {"score": 3, "comment": "Slow", "uses": ["a"]}


def test_a_matrix_that_must_be_answered_is_answered_in_each_row() -> None:
    assert lacking(REVIEW, {"score": 8, "parts": {"help": 3}}) == ["parts"]
    assert lacking(REVIEW, {"score": 8, "parts": {"help": 3, "docs": 5}}) == []


@pytest.mark.parametrize(
    ("name", "value", "must"),
    [
        ("why", "price", "one of speed, cost"),
        ("uses", "a", "a list of a, b"),
        ("uses", ["a", "a"], "a list of a, b"),
        ("parts", {"help": 6}, "a whole number from 1 to 5 for any of help, docs"),
        ("parts", {"help": True}, "a whole number from 1 to 5 for any of help, docs"),
        ("more", "x" * 2001, "a text of at most 2000 characters"),
        ("what", 1, "the id of one of its questions"),
    ],
)
def test_what_is_no_answer_is_told_what_it_must_be(name: str, value: Json, must: str) -> None:
    assert objection(REVIEW, 9, {name: value}) == (name, must)


def test_the_score_of_an_rqi_is_the_mean_of_its_items() -> None:
    questions = [
        {"id": "trust", "scale": "I trust them.", "from": 1, "to": 7},
        {"id": "parts", "matrix": "They are", "rows": {"fair": "fair", "fast": "fast"}, "from": 1, "to": 7},
        {"id": "more", "text": "Anything else?"},
    ]
    rqi = Survey.model_validate({"survey": "rqi", "kind": "rqi", "questions": questions})
    assert score_of(rqi, {"trust": 7, "parts": {"fair": 4, "fast": 1}, "more": "no"}) == 50  # 100, 50 and 0
    assert rqi.label_of(50) == "fair"


# --- what playbooks learn of it ---------------------------------------------------------------------------------------

TEXT = """
survey: review
kind: nps
question: How likely?
questions: [{id: why, choice: Why?, options: {speed: Fast, cost: Cheap}}]
---
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps:
  - {id: ask, survey: review, wait: 7d, remind: [3d]}
  - branch: [{if: 'steps.ask.answers.why == "cost"', then: [{exit: cost}]}]
    else: [{exit: other}]
---
playbook: q
enter: {on: [{when: 'answers.review.why == "cost"'}]}
steps: [{exit: seen}]
"""


def said(at: str, score: float, *, partial: bool, **answers: Json) -> SurveyAnswered:
    return SurveyAnswered(at=after(at), survey="review", score=score, answers=answers, partial=partial)


def lived(*answers: SurveyAnswered) -> list[tuple[str, str]]:
    life = Life(TEXT).event("0d", "Go")
    for each in answers:
        life.world.at(each.at, each)
    return life.until("30d").timeline


def test_a_step_waits_for_the_rest_of_a_response() -> None:
    first, last = said("1d", 3, partial=True), said("1d5m", 3, partial=False, why="cost")
    assert lived(first, last)[1:] == [("1d5m", "ended cost"), ("1d5m", "ended seen")]


def test_who_stops_in_between_has_answered_an_hour_later_and_is_not_reminded() -> None:
    first, more = said("2d23h30m", 3, partial=True), said("2d23h40m", 3, partial=True, why="speed")
    assert lived(first, more) == [("0d", "survey review"), ("3d40m", "ended other")]


def test_a_condition_sees_each_part_at_once() -> None:
    assert ("1d", "ended seen") in lived(said("1d", 3, partial=True, why="cost"))


def test_of_an_anonymous_answer_playbooks_learn_that_it_came() -> None:
    text = TEXT.replace("kind: nps", "kind: nps\nanonymous: true").split("---\nplaybook: q")[0]
    life = Life(text).event("0d", "Go").put("1d", said("1d", 3, partial=False, why="cost")).until("9d")
    response = life.world.state.facts.answers["review"]
    assert life.timeline == [("0d", "survey review"), ("1d", "ended other")]
    assert (response.score, response.answers, response.at) == (None, {}, after("1d"))


def test_a_comment_that_nobody_asked_for_is_kept_and_one_that_nobody_made_is_none() -> None:
    assert on_route(REVIEW, {"score": 9, "comment": "Nice"}) == {"score": 9, "comment": "Nice"}
    assert on_route(REVIEW, {"score": 9}) == {"score": 9}


@pytest.mark.parametrize(
    ("answers", "objected"),
    [
        ({"uses": ["a", "b"]}, None),
        ({"uses": "a"}, "uses"),
        ({"uses": ["a", "gone"]}, "uses"),
        ({"parts": {"help": 3}}, None),
        ({"parts": {"gone": 3}}, "parts"),
    ],
)
def test_an_answer_must_be_one_of_its_question(answers: JsonObject, objected: str | None) -> None:
    found = objection(REVIEW, 9, answers)
    assert (None if found is None else found.name) == objected


def test_where_a_score_is_asked_an_answer_has_one() -> None:
    found = objection(REVIEW, None, {})
    assert found is not None
    assert found.name == "score"


def test_only_an_index_without_a_question_of_its_own_is_the_mean_of_others() -> None:
    index = {"survey": "s", "kind": "rqi", "questions": [{"id": "fair", "scale": "Fair?"}]}
    assert [each.id for each in Survey.model_validate(index).items] == ["fair"]
    assert Survey.model_validate({**index, "question": "How good, from 0 to 100?"}).items == ()
