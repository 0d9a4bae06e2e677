"""Answers to surveys: what is kept of them, and whose the scale is that a score is read on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from perennia.core.account_answers import mean_response, plain
from perennia.core.decisions import Act, CustomerEvent, Reason, SurveyAnswered
from perennia.core.definitions import Survey
from perennia.core.deliberation import Deliberation
from perennia.core.facts import Response
from perennia.core.json_values import JsonObject
from perennia.core.nodes import answer_to
from perennia.core.state import Enrollment
from perennia.core.steps import walk
from perennia.core.surveys import learn_late, responded
from perennia.core.waits import keep_for_waits


def answered(run: Deliberation, answer: SurveyAnswered) -> None:
    """Keeps the answer as the latest to its survey; one that fits no scale of it changes nothing and is noted."""
    survey = survey_asked(run, answer)
    detail: JsonObject = {"survey": answer.survey, "score": plain(answer.score)}
    if answer.comment is not None:
        detail["comment"] = answer.comment
    if answer.contact is not None:
        detail["contact"] = answer.contact
    if isinstance(survey, Reason):
        run.note(Act.IGNORED, "answer", reason=survey, detail=detail)
        return
    run.state.facts.answers[answer.survey] = _latest(run, survey, answer)
    if run.state.kind == "contact":
        run.tell(None, msgspec.structs.replace(answer, contact=run.state.facts.ref, seq=0))
    run.changed([f"answer:{answer.survey}"])
    run.note(Act.ANSWERED, answer.survey, detail={**detail, "label": survey.label_of(answer.score)})
    keep_for_waits(run, CustomerEvent(at=answer.at, seq=answer.seq, name=answer_to(answer.survey)))
    for enrollment in run.in_order():
        if run.active(enrollment) and not enrollment.held_out:
            _end_asking(run, enrollment, answer, survey)


def _end_asking(run: Deliberation, enrollment: Enrollment, answer: SurveyAnswered, current: Survey) -> None:
    """A step that asks the survey ends with the answer, read by the survey that it asked."""
    asked = run.book_of(enrollment).surveys.get(answer.survey)
    survey = asked if asked is not None and asked.fits(answer.score) else current
    score = plain(answer.score)
    if answer.contact is not None:
        said: JsonObject = {
            "answered": True,
            "score": score,
            "label": survey.label_of(score),
            "comment": answer.comment,
        }
        learn_late(run, enrollment, survey, answer.contact, said)
    onward = responded(run, enrollment, survey, score, answer.comment)
    if onward is not None:
        run.movers.add(enrollment.id)
        walk(run, enrollment, onward)


def survey_asked(run: Deliberation, answer: SurveyAnswered) -> Survey | Reason:
    """The survey that the answer is read by: the one that is published now, else one that a playbook is pinned to."""
    found: Reason | Survey = Reason.UNKNOWN_SURVEY
    for survey in _candidates(run, answer.survey):
        if survey.fits(answer.score):
            return survey
        found = Reason.OUTSIDE_SCALE
    return found


def _candidates(run: Deliberation, name: str) -> Iterator[Survey]:
    if name in run.catalog.surveys:
        yield run.catalog.surveys[name]
    for enrollment in run.state.enrollments:
        if name in (pinned := run.book_of(enrollment).surveys):
            yield pinned[name]


def _latest(run: Deliberation, survey: Survey, answer: SurveyAnswered) -> Response:
    if answer.contact is None:
        return Response(plain(answer.score), answer.at, survey.label_of(answer.score), answer.comment)
    known = run.state.facts.answers.get(answer.survey)
    of_contacts = {**(known.of_contacts if known is not None else {}), answer.contact: plain(answer.score)}
    return mean_response(survey, of_contacts, answer.at, answer.comment)
