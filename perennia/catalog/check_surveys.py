"""What `check` says of surveys: their scales, the names of their scores, their questions and languages."""

from __future__ import annotations

from perennia.catalog.check_questions import check_labels, check_questions
from perennia.catalog.inspection import Inspection
from perennia.core.definitions import Survey
from perennia.core.survey_definitions import OPEN_KINDS

# A message has a link for each score; a longer scale is asked with one link.
LONGEST_SCALE = 1000


def check_survey(inspection: Inspection, survey: Survey) -> None:
    """Adds to the inspection's findings."""
    _check_first_question(inspection, survey)
    if survey.by and not survey.anonymous:
        message = '"by" is what is kept with anonymous answers; this survey is not anonymous'
        inspection.at_key(
            ("by",), "misplaced-key", message, 'remove it: reports can be made by any trait, or write "anonymous: true"'
        )
    if survey.sources and survey.anonymous:
        message = "what another system tells says who answered: an anonymous survey takes nothing from there"
        inspection.at_key(("sources",), "misplaced-key", message, "remove it, or ask another survey there")
    if survey.kind not in OPEN_KINDS:
        for key in ("scale", "labels"):
            if getattr(survey, key) is not None:
                message = f'the {key} of "{survey.kind}" is given: only rqi and custom have their own'
                inspection.at_key((key,), "misplaced-key", message, 'remove it, or write "kind: custom"')
    elif not _check_scale(inspection, survey):
        return
    open_ = inspection.span(("open",), survey.open)
    if open_ is not None and (open_.business_days or not open_.length_us):
        message = '"open" is a span of hours, days or weeks'
        inspection.at_value(("open",), "wrong-value", message, "write for example 30d")
    check_questions(inspection, survey)
    check_labels(inspection, ("follow_up",), survey, survey.follow_up)
    check_labels(inspection, ("thanks",), survey, survey.thanks)
    for locale, words in survey.languages.items():
        check_labels(inspection, ("languages", locale, "follow_up"), survey, words.follow_up)
        check_labels(inspection, ("languages", locale, "thanks"), survey, words.thanks)


def _check_first_question(inspection: Inspection, survey: Survey) -> None:
    if survey.question is not None:
        return
    if survey.kind not in OPEN_KINDS or not survey.questions:
        inspection.at_key((), "missing-key", 'a survey needs "question"')
    elif survey.kind == "rqi" and not survey.items:
        message = "an rqi is the mean of its scales, and this one has none"
        inspection.at_key(("questions",), "missing-key", message, "ask on a scale or a matrix")
    if survey.follow_up:
        message = '"follow_up" follows on "question", which this survey has not'
        inspection.at_key(("follow_up",), "misplaced-key", message, "make it one of the questions")
    if survey.scale is not None:
        message = '"scale" is that of "question", which this survey has not'
        inspection.at_key(("scale",), "misplaced-key", message, "each question has its own from and to")


def _check_scale(inspection: Inspection, survey: Survey) -> bool:
    """False: nothing can be said of labels."""
    bounds = survey.bounds
    if not 0 < bounds.to - bounds.from_ <= LONGEST_SCALE:
        message = f'a scale goes up, by at most {LONGEST_SCALE}: "to" must lie above "from"'
        inspection.at_value(("scale", "to"), "wrong-value", message)
        return False
    starts = survey.label_starts
    for label, start in starts.items():
        if not bounds.from_ <= start <= bounds.to:
            message = f'"{label}" begins at {start}, outside the scale from {bounds.from_} to {bounds.to}'
            inspection.at_value(("labels", label), "wrong-value", message)
    if len(set(starts.values())) < len(starts):
        message = "two labels begin at the same score"
        inspection.at_key(("labels",), "wrong-value", message, "give each its own lowest score")
    return True
