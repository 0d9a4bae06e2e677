"""What `check` says of steps that ask a survey: which one, by which message, how long it waits and when it reminds."""

from __future__ import annotations

from perennia.catalog.check_messages import check_email
from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definitions import Playbook, SurveyStep


def check_asking(inspection: Inspection, playbook: Playbook, path: Path, step: SurveyStep) -> None:
    """Adds to the inspection's findings."""
    inspection.survey((*path, "survey"), step.survey)
    check_email(inspection, playbook, path, step.message, asks=True)
    wait = inspection.span((*path, "wait"), step.wait)
    for index, text in enumerate(step.remind):
        span = inspection.span((*path, "remind", index), text)
        if wait is None or span is None or wait.business_days or span.business_days:
            continue
        if span.length_us >= wait.length_us:
            message = f"this reminder never leaves: the step waits no longer than {step.wait} for a response"
            inspection.at_value((*path, "remind", index), "unreachable-reminder", message, 'make "wait" longer')
