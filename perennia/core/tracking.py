"""Whether it may be learnt that a message was opened, and which of its links were followed."""

from __future__ import annotations

from typing import Final

from perennia.core.decisions import SendEmail
from perennia.core.definitions import Policies, Tracking

NOT_AT_ALL: Final = Tracking()
# The trait by which a contact is, or is not, tracked.
TRAIT: Final = "tracking"


def tracking_of(message: SendEmail, policies: Policies) -> Tracking:
    """What its topic says, else its sender; nothing of mail to colleagues, nor where the contact has not agreed."""
    if message.recipient != "contact":
        return NOT_AT_ALL
    topic = policies.topics.get(message.topic or "")
    sender = policies.senders.get(message.sender or "")
    said = next((each.tracking for each in (topic, sender) if each is not None and each.tracking is not None), None)
    if said is None:
        return NOT_AT_ALL
    contact = message.context.get("contact")
    agreed = contact.get(TRAIT) if isinstance(contact, dict) else None
    return said if agreed is True or (agreed is not False and said.consent == "opt_out") else NOT_AT_ALL
