"""For how long what happened is kept, by what it is, as people set it.

Without a word of the settings everything is kept. What is said to be kept for less than something that is published looks back
is kept as long as that (`looking_back`): deleting it would change what is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from perennia.core.calendar import Span, parse_span


class Kept(StrEnum):
    """What is kept for a time of its own.

    ``EVENTS``: events and other inputs that a turn has read. ``DECISIONS``: the decision log, of enrollments that have ended
    and of all else. ``MESSAGES``, ``DELIVERIES``, ``TASKS``: those that have ended, with their texts. ``REPORTS``: what
    providers told, with the raw bodies. ``ANSWERS``: to surveys. ``STRANGERS``: what devices did whose person never became
    known. ``UNCLAIMED``: rejected items, and answers that could be given to nobody. ``AUDIT``: the audit log.
    ``OUTBOUND``: what endpoints of other systems were told, and the log of it.
    """

    EVENTS = "events"
    DECISIONS = "decisions"
    MESSAGES = "messages"
    DELIVERIES = "deliveries"
    TASKS = "tasks"
    REPORTS = "reports"
    ANSWERS = "answers"
    STRANGERS = "strangers"
    UNCLAIMED = "unclaimed"
    AUDIT = "audit"
    OUTBOUND = "outbound"


# Senders repeat a call for days, providers report for weeks, and a survey's link is followed when somebody finds the time.
LEAST: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)
# What goes by itself without a word of the settings: copies, of which the originals are kept.
DEFAULTS: Final = {Kept.OUTBOUND: timedelta(days=30)}


class RetentionError(ValueError):
    """What is wrong with one period, and what to write."""


def parse_retention(told: Mapping[str, str]) -> dict[Kept, timedelta]:
    """The periods by kind; `DEFAULTS` where nothing is told. Raises `RetentionError`."""
    return {**DEFAULTS, **{_kind(kind): _period(kind, text) for kind, text in told.items()}}


def _kind(name: str) -> Kept:
    try:
        return Kept(name)
    except ValueError:
        raise RetentionError(f"{name} is nothing that is kept by itself; write one of {', '.join(Kept)}") from None


def _period(kind: str, text: str) -> timedelta:
    try:
        span = parse_span(text)
    except ValueError as error:
        raise RetentionError(f"{kind}: {error}") from None
    if span.business_days or longest(span) < LEAST:
        raise RetentionError(f"{kind}: {text} is no period of at least {LEAST.days} days; write for example 400d")
    return longest(span)


def longest(span: Span) -> timedelta:
    """At least as long as the span can be: business days may lie a week's end and holidays apart, clocks may change."""
    calendar = span.days + 3 * span.business_days
    return timedelta(days=calendar) + span.exact + (DAY if span.business_days else timedelta())
