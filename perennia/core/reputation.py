"""How a sender's or a topic's mail stands with those who get it, by the limits of the policies.

Gmail and Yahoo ask of bulk senders that complaints stay under 0.1 % and never reach 0.3 %; mailbox providers and those who
send for us throttle or end accounts whose mail comes back. So what is over a limit is stopped, and from a third of it on
somebody is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from perennia.core.calendar import parse_span
from perennia.core.definition_forms import part_of_one
from perennia.core.policy_definitions import SendingLimits

Standing: TypeAlias = Literal["good", "warned", "stopped"]

WARNED_FROM: Final = 1 / 3  # 0.1 % of complaints where 0.3 % is too much


@dataclass(frozen=True)
class Counted:
    """``sent`` messages, of which so many were complained of, and so many came back for good."""

    sent: int
    complained: int
    bounced: int


def counted_over(limits: SendingLimits) -> timedelta:
    """How far back messages count."""
    return timedelta(microseconds=parse_span(limits.over).length_us)


def standing(counted: Counted, limits: SendingLimits) -> Standing:
    if counted.sent < limits.at_least:
        return "good"
    worst = max(share / limit if limit else (1.0 if share else 0.0) for share, limit in _shares(counted, limits))
    if worst >= 1:
        return "stopped" if limits.stop else "warned"
    return "warned" if worst >= WARNED_FROM else "good"


def _shares(counted: Counted, limits: SendingLimits) -> Iterator[tuple[float, float]]:
    yield counted.complained / counted.sent, part_of_one(limits.complaints)
    yield counted.bounced / counted.sent, part_of_one(limits.bounces)
