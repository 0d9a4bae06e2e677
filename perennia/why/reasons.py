"""What each reason code means, in words a customer success team uses."""

from __future__ import annotations

from perennia.core.decisions import Reason

_MEANINGS: dict[Reason, str] = {
    Reason.FAILED_ENTRY_FILTER: "the entry filter did not hold",
    Reason.ALREADY_ENROLLED: "was already in this playbook",
    Reason.REENTRY_BLOCKED: "had been in this playbook before, and it may not be entered again yet",
    Reason.NOT_WHILE: "the playbook's `while` condition had stopped holding",
    Reason.STEP_CONDITION_FALSE: "the step's own condition was false",
    Reason.GOAL_REACHED: "the goal was reached already",
    Reason.EXIT_CRITERIA: "the exit criteria held",
    Reason.SUPPRESSED: "the address is suppressed: nothing may be sent to it",
    Reason.UNSUBSCRIBED_TOPIC: "the person has unsubscribed from this topic",
    Reason.NO_CONSENT: "the person has not consented to this topic",
    Reason.CONSENT_PENDING: "the person was asked to confirm the consent to this topic, and has not yet",
    Reason.UNKNOWN_TOPIC: "the policies have no such topic, or it needs no confirmation",
    Reason.MISSING_ADDRESS: "no email address is known",
    Reason.INVALID_ADDRESS: "the email address is not valid",
    Reason.NO_RECIPIENT: "nobody could be found to send it to",
    Reason.TEMPLATE_ERROR: "the template could not be rendered",
    Reason.PROVIDER_REFUSED: "the mail server or the other system refused it",
    Reason.PLAYBOOK_PAUSED: "the playbook was paused",
    Reason.SENDING_STOPPED: "mail of its sender or topic was stopped",
    Reason.WARM_UP: "its provider, which is warming up, has had as many messages as it may be given that day",
    Reason.CUSTOMER_ERASED: "the customer was erased",
    Reason.LOOP_GUARD: "it moved in circles and was stopped",
    Reason.BY_PERSON: "somebody decided so by hand",
    Reason.STEP_FAILED: "a step failed, and the playbook says to exit then",
    Reason.UNKNOWN_PLAYBOOK: "no such playbook is published",
    Reason.WRONG_SCOPE: "the playbook is for the other kind of customer",
    Reason.EXPRESSION_ERROR: "a value could not be worked out",
    Reason.NOT_ENROLLED: "the customer is not in this playbook",
    Reason.UNKNOWN_STAGE: "no such stage is published",
    Reason.STAGE_LOCKED: "a person keeps the customer in its stage",
    Reason.MERGED: "the customer was merged into another one",
    Reason.UNKNOWN_ZONE: "no such time zone is known, so the next one told counts",
    Reason.MISSING_DATE: "no date is known to wait for",
    Reason.MISSING_KEY: "what would have started it carries no value for the playbook's key",
    Reason.FREQUENCY_CAP: "the contact has had as many messages as a frequency cap allows",
    Reason.LOWER_PRIORITY: "a message of higher priority took its place under a frequency cap",
    Reason.QUIET_HOURS: "it is night where the recipient is: quiet hours",
    Reason.DIGEST: "its topic gathers its messages: it leaves with the others at the digest's instant",
    Reason.EXPIRED: "it was held as long as it may be",
    Reason.APPROVAL_DENIED: "the person who was asked said no",
    Reason.APPROVAL_TIMEOUT: "nobody answered in time, which counts as no",
    Reason.IN_HOLDOUT: "is in the holdout: gets no steps, so that the playbook's effect can be measured",
    Reason.UNKNOWN_SURVEY: "no such survey is published",
    Reason.SURVEY_COOLDOWN: "was asked by a survey not long ago, and the policies leave people alone for a while",
    Reason.OUTSIDE_SCALE: "the score is not on the survey's scale",
    Reason.VERSION_MIGRATED: "a new version was published that does not have this step, or that ends whoever is in a former one",
}


def meaning(code: str | None) -> str | None:
    """The code in words; None for what is no reason code (an exit's own reason, an outcome)."""
    try:
        return _MEANINGS[Reason(code)] if code is not None else None
    except (ValueError, KeyError):
        return None


def reason_in_words(code: str) -> str:
    """``the person has unsubscribed from this topic (unsubscribed_topic)``; an unknown code as it is."""
    words = meaning(code)
    return f"{words} ({code})" if words else code
