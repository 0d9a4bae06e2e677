"""Surveys that are asked: the message, its reminders, the answer that ends the step, the limit that ends it without one."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from perennia.core.account_answers import plain
from perennia.core.calendar import Span
from perennia.core.decisions import Act, EffectEnded, Outcome, Reason, SurveyAnswered
from perennia.core.definitions import Survey
from perennia.core.deliberation import Deliberation
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.core.nodes import EmailNode, SurveyNode
from perennia.core.outcomes import Onward, failed, finish, learn, parse_effect_key, skipped
from perennia.core.question_definitions import asked_by
from perennia.core.state import Ask, Asked, Enrollment

# More asks than these are never needed to know of the last one of each kind.
ASKS_KEPT = 6
# Who stopped in the middle of a survey has said what they wanted to say: nobody takes an hour over one page.
FOR_THE_REST = timedelta(hours=1)


def pinned_survey(run: Deliberation, enrollment: Enrollment, name: str) -> Survey | None:
    """The survey as it was when the enrollment's version was published, else as it is now."""
    return run.book_of(enrollment).surveys.get(name) or run.catalog.surveys.get(name)


def asked_survey(run: Deliberation, enrollment: Enrollment, node: EmailNode) -> AskedSurvey | None:
    """What a message must know of the survey that it asks; None where it asks none."""
    survey = pinned_survey(run, enrollment, node.survey) if isinstance(node, SurveyNode) else None
    if survey is None:
        return None
    bounds = survey.bounds
    question = survey.question or (asked_by(survey.questions[0]) if survey.questions else survey.survey)
    whole = survey.anonymous or survey.question is None
    return AskedSurvey(survey=survey.survey, question=question, lowest=bounds.from_, highest=bounds.to, whole=whole)


def objection_to_asking(run: Deliberation, enrollment: Enrollment, node: EmailNode) -> Reason | None:
    """Why a survey may not be asked now beside what concerns every message; a reminder asks nothing new."""
    if not isinstance(node, SurveyNode) or enrollment.asked is not None:
        return None
    survey = pinned_survey(run, enrollment, node.survey)
    if survey is None:
        return Reason.UNKNOWN_SURVEY
    cooldown = run.catalog.survey_cooldown
    if _rests(run, cooldown.any, relational_only=False):
        return Reason.SURVEY_COOLDOWN
    if survey.relational and _rests(run, cooldown.relational, relational_only=True):
        return Reason.SURVEY_COOLDOWN
    return None


def _rests(run: Deliberation, span: Span | None, *, relational_only: bool) -> bool:
    if span is None:
        return False
    asks = [ask.at for ask in run.state.asks if ask.relational or not relational_only]
    return bool(asks) and run.instant < run.calendar.after(max(asks), span)


def note_ask(run: Deliberation, enrollment: Enrollment, node: EmailNode, key: str) -> None:
    """Remembers that a survey was asked: until when no other one may be."""
    if not isinstance(node, SurveyNode) or enrollment.asked is not None:
        return
    survey = pinned_survey(run, enrollment, node.survey)
    ask = Ask(key, run.instant, relational=survey is not None and survey.relational)
    kept = [ask, *run.state.asks][:ASKS_KEPT]
    last = next((each for each in run.state.asks if each.relational), None)
    run.state.asks = kept if last is None or last in kept else [*kept, last]


def turned_down(run: Deliberation, enrollment: Enrollment, node: EmailNode, reason: str) -> Onward | None:
    """A message that may not leave ends its step; a reminder that may not is only left out."""
    if enrollment.asked is None:
        return skipped(run, enrollment, node, reason)
    enrollment.held = None
    enrollment.halted = False
    run.note(Act.IGNORED, "reminder", enrollment=enrollment, step=node.id, reason=reason, detail={})
    return None


# --- waiting for the response -------------------------------------------------------------------------------------------


def ask_ended(run: Deliberation, enrollment: Enrollment, node: SurveyNode, ended: EffectEnded) -> Onward | None:
    """The message is out, or never will be: waits for a response, where the step waits for one."""
    if enrollment.asked is None:
        if ended.outcome is not Outcome.SENT:
            run.state.asks = [ask for ask in run.state.asks if ask.key != ended.key]
            if ended.outcome is Outcome.FAILED:
                return failed(run, enrollment, node, ended.reason or "failed", result=ended.result)
            finish(run, enrollment, node, ended.outcome, reason=ended.reason, result=ended.result)
            return Onward(node.next, enrollment.base)
        if node.wait is None:
            finish(run, enrollment, node, Outcome.SENT, result={**ended.result, "answered": False})
            return Onward(node.next, enrollment.base)
        enrollment.asked = Asked(enrollment.base)
        learn(run, enrollment, node.id, {"outcome": str(Outcome.SENT), **ended.result, "answered": False})
    elif ended.outcome is not Outcome.SENT:
        turned_down(run, enrollment, node, ended.reason or "failed")
    return await_response(run, enrollment, node)


def await_response(run: Deliberation, enrollment: Enrollment, node: SurveyNode) -> Onward | None:
    """Where the time limit leads when it has come; None while it has not."""
    asked = _asked(run, enrollment, node)
    if asked is None or asked.limit is None:
        return None
    limit = _end_of(asked, asked.limit)
    if run.passed(limit) and asked.begun is not None:
        known = {name: each for name, each in enrollment.steps[node.id].items() if name != "outcome"}
        finish(run, enrollment, node, Outcome.DONE, result=known)
        return Onward(node.next, limit)
    if run.passed(limit):
        _take_back(run, enrollment)
        finish(run, enrollment, node, Outcome.TIMED_OUT, result={"answered": False})
        return Onward(node.next, limit)
    if enrollment.is_held:
        enrollment.due = min(enrollment.due or limit, limit)
    else:
        enrollment.due = limit if _is_under_way(enrollment) else min([*_left(enrollment, asked)[:1], limit])
    return None


def reminder_due(run: Deliberation, enrollment: Enrollment, node: SurveyNode) -> bool:
    """Whether it is time for a reminder. True once for each: it is counted here, and gets a key of its own."""
    asked = _asked(run, enrollment, node)
    if asked is None or asked.limit is None or enrollment.is_held or _is_under_way(enrollment):
        return False
    left = _left(enrollment, asked)
    if not left or left[0] >= asked.limit or not run.passed(left[0]):
        return False
    due_so_far = asked.reminders + len(asked.remind) - len(left) + 1
    enrollment.asked = Asked(asked.at, due_so_far, asked.limit, left[1:])
    enrollment.visits[node.id] += 1
    return True


def _is_under_way(enrollment: Enrollment) -> bool:
    """Whether a reminder has been released that has not left yet, or would have been but for a pause."""
    return enrollment.awaiting is not None or enrollment.halted


def _left(enrollment: Enrollment, asked: Asked) -> tuple[datetime, ...]:
    """The reminders to come. One that fell due before the last one left, which was held or paused, went with that."""
    return tuple(each for each in asked.remind if each > enrollment.base)


def _asked(run: Deliberation, enrollment: Enrollment, node: SurveyNode) -> Asked | None:
    """What waits for a response, its instants fixed; None where nothing does."""
    if enrollment.asked is not None and enrollment.asked.limit is None:
        fix_instants(run, enrollment, node, enrollment.asked.at)
    return enrollment.asked


def fix_instants(run: Deliberation, enrollment: Enrollment, node: SurveyNode, earliest: datetime) -> None:
    """Fixes the limit and the reminders of a survey that was asked by the step's spans, none of them before ``earliest``.

    Reminders of one instant are one: of those that are past only one leaves.
    """
    asked = enrollment.asked
    if asked is None or node.wait is None:
        return
    left = node.reminders[asked.reminders :]
    remind = sorted({max(run.calendar.after(asked.at, span), earliest) for span in left})
    limit = max(run.calendar.after(asked.at, node.wait), earliest)
    remind = [] if asked.begun is not None else remind
    so_far = asked.reminders + len(left) - len(remind)
    enrollment.asked = Asked(asked.at, so_far, limit, tuple(remind), asked.begun)


def _end_of(asked: Asked, limit: datetime) -> datetime:
    """How long is waited at most: for a response, and for the rest of one."""
    return limit if asked.begun is None else min(limit, asked.begun + FOR_THE_REST)


def _take_back(run: Deliberation, enrollment: Enrollment) -> None:
    enrollment.held = None
    run.take_back(enrollment)


# --- the responses of an account's contacts -------------------------------------------------------------------------------


def combined(survey: Survey | None, reports: JsonObject) -> JsonObject:
    """What the contacts' responses come to: the mean of their scores, and the last comment."""
    answers = [each for each in reports.values() if isinstance(each, dict) and each.get("answered") is True]
    scores = [each["score"] for each in answers if isinstance(each.get("score"), int | float)]
    told = [score for score in scores if isinstance(score, int | float)]
    if not answers:
        return {"answered": False}
    mean = round(sum(told) / len(told), 6) if told else None
    comments = [each.get("comment") for each in answers if each.get("comment") is not None]
    return {
        "answered": True,
        "score": None if mean is None else plain(mean),
        "label": None if survey is None or mean is None else survey.label_of(mean),
        "comment": comments[-1] if comments else None,
    }


def learn_late(run: Deliberation, enrollment: Enrollment, survey: Survey, contact: str, answer: JsonObject) -> None:
    """A contact whose time was over has answered after all: steps of the account that have asked it learn of that."""
    for step, node in run.book_of(enrollment).nodes.items():
        if not isinstance(node, SurveyNode) or node.survey != survey.survey:
            continue
        known = enrollment.steps.get(step, {})
        reports = known.get("messages")
        before = reports.get(contact) if isinstance(reports, dict) else None
        if not isinstance(reports, dict) or not isinstance(before, dict) or before.get("answered") is not False:
            continue
        # The last to answer comes last.
        others = {name: each for name, each in reports.items() if name != contact}
        now: JsonObject = {**others, contact: {**before, **answer}}
        result = combined(survey, now) if "answered" in known else {}
        learn(run, enrollment, step, {**known, "messages": now, **result})


# --- the response -------------------------------------------------------------------------------------------------------


def said_in(survey: Survey, answer: SurveyAnswered) -> JsonObject:
    """What a step's result knows of a response."""
    score = None if answer.score is None else plain(answer.score)
    label = None if score is None else survey.label_of(score)
    said: JsonObject = {"answered": True, "score": score, "label": label, "comment": answer.comment}
    return {**said, "answers": answer.answers} if answer.answers else said


def responded(run: Deliberation, enrollment: Enrollment, survey: Survey, answer: SurveyAnswered) -> Onward | None:
    """Ends the step that asks this survey; steps that asked it before learn of the response, too."""
    onward = None
    for step, node in run.book_of(enrollment).nodes.items():
        if isinstance(node, SurveyNode) and node.audience is not None and enrollment.errand is None:
            continue  # an account hears of it as of one of those it has asked
        if not isinstance(node, SurveyNode) or node.survey != survey.survey:
            continue
        result = said_in(survey, answer)
        known = enrollment.steps.get(step, {})
        stands = enrollment.asked is not None or enrollment.awaiting is not None
        if enrollment.step == step and stands:
            onward = _heard(run, enrollment, node, answer, result)
        elif known.get("answered") is False or (known.get("answered") is True and _asked_by(answer, enrollment, step)):
            learn(run, enrollment, step, {**known, **result})
    return onward


def _heard(
    run: Deliberation, enrollment: Enrollment, node: SurveyNode, answer: SurveyAnswered, result: JsonObject
) -> Onward | None:
    """The response, or a part of one: then the step waits for the rest, and reminds no more."""
    _take_back(run, enrollment)
    asked = _asked(run, enrollment, node)
    if not answer.partial or asked is None:
        finish(run, enrollment, node, Outcome.DONE, result=result)
        return Onward(node.next, run.instant)
    enrollment.asked = msgspec.structs.replace(asked, begun=run.instant, remind=())
    learn(run, enrollment, node.id, {**enrollment.steps.get(node.id, {}), **result})
    return await_response(run, enrollment, node)


def _asked_by(answer: SurveyAnswered, enrollment: Enrollment, step: str) -> bool:
    """Whether this step's message was answered: once more then, since it has been before."""
    key = None if answer.key is None else parse_effect_key(answer.key)
    return key is not None and (key.enrollment, enrollment.renamed.get(key.step, key.step)) == (enrollment.id, step)
