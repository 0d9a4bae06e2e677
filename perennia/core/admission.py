"""May this message leave now? Consent, suppression, addresses: decided in one place over all playbooks."""

from __future__ import annotations

import re

from perennia.core.decisions import Reason
from perennia.core.definitions import Policies
from perennia.core.state import Recipient

# Not the whole of RFC 5322: one @, no white space or controls, a domain that is not empty. The provider knows the rest.
_ADDRESS = re.compile(r"[^@\s\x00-\x1f<>\"(),;:]+@[^@\s\x00-\x1f<>\"(),;:]+\.?[^@\s.]+")


def refusal(
    recipient: Recipient | None, *, topic: str | None, transactional: bool, internal: bool, policies: Policies
) -> Reason | None:
    """Why the message may not leave, None where it may. The order of the looks is the language's (section 8).

    ``internal`` mail goes to the team: no topic, no consent. Transactional mail needs no consent either.
    """
    if recipient is None or not recipient.address:
        return Reason.NO_RECIPIENT if internal else Reason.MISSING_ADDRESS
    if not _ADDRESS.fullmatch(recipient.address):
        return Reason.INVALID_ADDRESS
    if recipient.suppressed:
        return Reason.SUPPRESSED
    if internal or transactional or topic is None:
        return None
    return _refused_by_topic(recipient, topic, policies)


def _refused_by_topic(recipient: Recipient, topic: str, policies: Policies) -> Reason | None:
    given = recipient.consents.get(topic)
    if given is False:
        return Reason.UNSUBSCRIBED_TOPIC
    declared = policies.topics.get(topic)
    if declared is not None and declared.kind == "opt_in" and given is not True:
        return Reason.NO_CONSENT
    return None
