"""What `check` says of surveys: their scales, the names of their scores, their questions."""

from __future__ import annotations

from perennia.catalog.findings import suggestion
from perennia.catalog.inspection import Inspection
from perennia.core.definitions import Survey
from perennia.core.survey_definitions import OPEN_KINDS

# A message has a link for each score; a longer scale is asked with one link.
LONGEST_SCALE = 1000


def check_survey(inspection: Inspection, survey: Survey) -> None:
    """Adds to the inspection's findings."""
    if survey.kind not in OPEN_KINDS:
        for key in ("scale", "labels"):
            if getattr(survey, key) is not None:
                message = f'the {key} of "{survey.kind}" is given: only rqi and custom have their own'
                inspection.at_key((key,), "misplaced-key", message, 'remove it, or write "kind: custom"')
        _check_follow_up(inspection, survey)
        return
    bounds = survey.bounds
    if not 0 < bounds.to - bounds.from_ <= LONGEST_SCALE:
        message = f'a scale goes up, by at most {LONGEST_SCALE}: "to" must lie above "from"'
        inspection.at_value(("scale", "to"), "wrong-value", message)
        return
    starts = survey.label_starts
    for label, start in starts.items():
        if not survey.bounds.from_ <= start <= survey.bounds.to:
            message = f'"{label}" begins at {start}, outside the scale from {bounds.from_} to {bounds.to}'
            inspection.at_value(("labels", label), "wrong-value", message)
    if len(set(starts.values())) < len(starts):
        message = "two labels begin at the same score"
        inspection.at_key(("labels",), "wrong-value", message, "give each its own lowest score")
    _check_follow_up(inspection, survey)


def _check_follow_up(inspection: Inspection, survey: Survey) -> None:
    labels = survey.label_starts
    for label in survey.follow_up:
        if label not in labels:
            remedy = suggestion(label, labels) or 'give the survey "labels"'
            inspection.at_key(("follow_up", label), "unknown-label", f'no score is called "{label}"', remedy)
