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
from perennia.core.questionnaire import score_of
from perennia.core.state import Enrollment
from perennia.core.steps import walk
from perennia.core.surveys import learn_late, responded, said_in
from perennia.core.waits import keep_for_waits


def answered(run: Deliberation, told: SurveyAnswered) -> None:
    """Keeps the answer as the latest to its survey; one that fits no scale of it changes nothing and is noted."""
    survey = survey_asked(run, told)
    if isinstance(survey, Reason):
        detail: JsonObject = {} if told.score is None else {"score": plain(told.score)}
        run.note(Act.IGNORED, "answer", reason=survey, detail={**_about(told), **detail})
        return
    answer = _as_known(survey, told)
    run.state.facts.answers[answer.survey] = _latest(run, survey, answer)
    if run.state.kind == "contact":
        run.tell(None, msgspec.structs.replace(answer, contact=run.state.facts.ref, seq=0))
    run.changed([f"answer:{answer.survey}"])
    said = {name: each for name, each in said_in(survey, answer).items() if name not in {"answered", "comment"}}
    run.note(Act.ANSWERED, answer.survey, detail={**_about(answer), **said})
    if not answer.partial:
        keep_for_waits(run, CustomerEvent(at=answer.at, seq=answer.seq, name=answer_to(answer.survey)))
    for enrollment in run.in_order():
        if run.active(enrollment) and not enrollment.held_out:
            _end_asking(run, enrollment, answer, survey)


def _about(answer: SurveyAnswered) -> JsonObject:
    about: JsonObject = {"survey": answer.survey}
    if answer.comment is not None:
        about["comment"] = answer.comment
    if answer.contact is not None:
        about["contact"] = answer.contact
    if answer.partial:
        about["partial"] = True
    return about


def _as_known(survey: Survey, answer: SurveyAnswered) -> SurveyAnswered:
    """The answer as far as playbooks may know it: of an anonymous one, that it came."""
    if survey.anonymous:
        return msgspec.structs.replace(answer, score=None, comment=None, answers={}, by=None)
    if answer.score is None and not answer.partial:
        return msgspec.structs.replace(answer, score=score_of(survey, answer.answers))
    return answer


def _end_asking(run: Deliberation, enrollment: Enrollment, answer: SurveyAnswered, current: Survey) -> None:
    """A step that asks the survey ends with the answer, read by the survey that it asked."""
    asked = run.book_of(enrollment).surveys.get(answer.survey)
    survey = asked if asked is not None and _fits(asked, answer) else current
    if answer.contact is not None and not answer.partial:
        learn_late(run, enrollment, survey, answer.contact, said_in(survey, answer))
    onward = responded(run, enrollment, survey, answer)
    if onward is not None:
        walk(run, enrollment, onward)


def survey_asked(run: Deliberation, answer: SurveyAnswered) -> Survey | Reason:
    """The survey that the answer is read by: the one that is published now, else one that a playbook is pinned to."""
    found: Reason | Survey = Reason.UNKNOWN_SURVEY
    for survey in _candidates(run, answer.survey):
        if _fits(survey, answer):
            return survey
        found = Reason.OUTSIDE_SCALE
    return found


def _fits(survey: Survey, answer: SurveyAnswered) -> bool:
    return answer.score is None or survey.fits(answer.score)


def _candidates(run: Deliberation, name: str) -> Iterator[Survey]:
    if name in run.catalog.surveys:
        yield run.catalog.surveys[name]
    for enrollment in run.state.enrollments:
        if name in (pinned := run.book_of(enrollment).surveys):
            yield pinned[name]


def _latest(run: Deliberation, survey: Survey, answer: SurveyAnswered) -> Response:
    score = None if answer.score is None else plain(answer.score)
    label = None if score is None else survey.label_of(score)
    last = Response(score, answer.at, label, answer.comment, answers=answer.answers)
    if answer.contact is None:
        return last
    known = run.state.facts.answers.get(answer.survey)
    of_contacts = dict(known.of_contacts) if known is not None else {}
    if score is not None:
        of_contacts[answer.contact] = score
    return mean_response(survey, of_contacts, last)
