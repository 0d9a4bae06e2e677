"""Whether it may be learnt that a message was opened, and which of its links were followed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perennia.core.decisions import SendEmail
from perennia.core.definitions import Policies, Tracking

NOT_AT_ALL: Final = Tracking()
# The trait by which a contact is, or is not, tracked.
TRAIT: Final = "tracking"
# The person's own choice is kept among what they said of topics, with its proof, under a name that no topic has.
CHOICE: Final = ":tracking"
NOTHING_SAID: Final[Mapping[str, bool]] = MappingProxyType({})


def tracking_of(message: SendEmail, policies: Policies, said: Mapping[str, bool] = NOTHING_SAID) -> Tracking:
    """What its topic says, else its sender; nothing of mail to colleagues, nor where the contact has not agreed.

    ``said``: what they said of topics by now. A no to `CHOICE` counts more than the trait, whoever told that.
    """
    if message.recipient != "contact" or said.get(CHOICE) is False:
        return NOT_AT_ALL
    topic = policies.topics.get(message.topic or "")
    sender = policies.senders.get(message.sender or "")
    wanted = next((each.tracking for each in (topic, sender) if each is not None and each.tracking is not None), None)
    if wanted is None:
        return NOT_AT_ALL
    contact = message.context.get("contact")
    agreed = contact.get(TRAIT) if isinstance(contact, dict) else None
    return wanted if agreed is True or (agreed is not False and wanted.consent == "opt_out") else NOT_AT_ALL


def is_tracking(policies: Policies) -> bool:
    """Whether anything of anybody is tracked, so that there is something to refuse."""
    told = (each.tracking for each in (*policies.topics.values(), *policies.senders.values()))
    return any(each is not None and (each.clicks or each.opens) for each in told)
