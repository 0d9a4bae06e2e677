"""What `check` says of the policies."""

from __future__ import annotations

from perennia.catalog.inspection import Inspection
from perennia.core.calendar import find_zone
from perennia.core.definitions import Policies


def check_policies(inspection: Inspection, policies: Policies) -> None:
    """Adds to the inspection's findings."""
    _, unknown = find_zone(policies.timezone)
    if unknown is not None:
        message = f'no time zone "{unknown}"'
        inspection.at_value(("timezone",), "unknown-zone", message, "write one like Europe/Berlin")
    sender = policies.default_sender
    if sender is not None and sender not in policies.senders:
        inspection.unknown(("default_sender",), "sender", sender, policies.senders)
    for name, known in policies.senders.items():
        local, at, domain = known.email.partition("@")
        if not (local and at and domain) or any(character.isspace() for character in known.email):
            message = f'"{known.email}" is no email address'
            inspection.at_value(("senders", name, "email"), "bad-address", message)
