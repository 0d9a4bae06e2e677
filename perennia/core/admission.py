"""May this message leave now? Permission, caps, quiet hours: decided in one place over all playbooks (language, section 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from perennia.core.calendar import Calendar, find_zone, parse_span
from perennia.core.caps import Cap
from perennia.core.decisions import Reason, SendEmail
from perennia.core.definitions import BUILT_IN_DIGEST, Policies
from perennia.core.json_values import Json
from perennia.core.quiet_hours import Quiet, parse_window
from perennia.core.state import LedgerEntry, Recipient
from perennia.core.wall_clock import WEEKDAYS, next_at, parse_time

# Not the whole of RFC 5322: one @, no white space or controls, a domain that is not empty. The provider knows the rest.
_ADDRESS = re.compile(r"[^@\s\x00-\x1f<>\"(),;:]+@[^@\s\x00-\x1f<>\"(),;:]+\.?[^@\s.]+")


def is_address(text: str) -> bool:
    """Whether a message can be addressed to it, as far as that is seen without asking its domain."""
    return _ADDRESS.fullmatch(text) is not None


def refusal(
    recipient: Recipient | None,
    *,
    topic: str | None,
    transactional: bool,
    internal: bool,
    policies: Policies,
    at: datetime,
) -> Reason | None:
    """Why the message may not leave, None where it may. The order of the looks is the language's (section 8).

    ``internal`` mail goes to the team: no topic, no consent. Transactional mail needs no consent either.
    """
    if recipient is None or not recipient.address:
        return Reason.NO_RECIPIENT if internal else Reason.MISSING_ADDRESS
    if not is_address(recipient.address):
        return Reason.INVALID_ADDRESS
    if recipient.suppressed:
        return Reason.SUPPRESSED
    if internal or transactional or topic is None:
        return None
    return _refused_by_topic(recipient, topic, policies, at)


def _refused_by_topic(recipient: Recipient, topic: str, policies: Policies, at: datetime) -> Reason | None:
    given = recipient.consents.get(topic)
    declared = policies.topics.get(topic)
    needs_yes = declared is not None and declared.kind == "opt_in"
    if given is True or (given is None and not needs_yes):
        return None
    until = recipient.pending.get(topic)
    if until is not None and at < until:
        return Reason.CONSENT_PENDING
    return Reason.NO_CONSENT if given is None else Reason.UNSUBSCRIBED_TOPIC


# --- not now, but later -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DigestTimes:
    """When the messages of a topic are gathered: as clocks show ``at`` on one of ``days`` (Monday 0)."""

    at: time
    days: frozenset[int]
    template: str

    def first(self, earliest: datetime, zone: ZoneInfo) -> datetime:
        """The first such instant that is not before ``earliest``, in the recipient's ``zone``."""
        return next_at(earliest, self.at, self.days, zone)


@dataclass(frozen=True, slots=True)
class Timing:
    """What the policies say of when and how often, made ready to run. ``digests``: by topic."""

    quiet: Quiet | None = None
    caps: tuple[Cap, ...] = ()
    digests: Mapping[str, DigestTimes] = field(default_factory=dict[str, DigestTimes])

    def caps_on(self, topic: str | None) -> tuple[Cap, ...]:
        return tuple(cap for cap in self.caps if cap.counts(topic))


ANY_TIME = Timing()


def timing_of(policies: Policies) -> Timing:
    """Raises `SpanError`, `WindowError` and `TimeOfDayError`."""
    hours = policies.quiet_hours
    quiet = None
    if hours is not None:
        quiet = Quiet(parse_window(hours.window), _days(hours.days))
    caps = tuple(Cap(cap.messages, parse_span(cap.per), frozenset(cap.topics)) for cap in policies.caps)
    digests = {
        name: DigestTimes(parse_time(topic.digest.at), _days(topic.digest.on), topic.digest.template or BUILT_IN_DIGEST)
        for name, topic in policies.topics.items()
        if topic.digest is not None
    }
    return Timing(quiet, caps, digests)


def _days(names: Iterable[str]) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(day) for day in names)


def calendar_of(policies: Policies, *zones: Json) -> Calendar:
    """How days pass for whoever told these ``timezone`` traits; without any, in the workspace."""
    zone, _ = find_zone(*zones, policies.timezone)
    workspace, _ = find_zone(policies.timezone)
    holidays = frozenset(date.fromisoformat(day) for day in policies.holidays)
    return Calendar(zone, workspace, _days(policies.business_hours.days), holidays)


class Objection(NamedTuple):
    """Why a message may not leave yet; ``place_at``: when its caps have a place, ``clear_at``: when nothing is in its way.

    Both hold as long as nothing else is sent, taken back or published.
    """

    reason: Reason
    place_at: datetime
    clear_at: datetime


def objection(
    timing: Timing, entries: Sequence[LedgerEntry], topic: str | None, at: datetime, calendar: Calendar
) -> Objection | None:
    """What speaks against a message of this topic at ``at``: the caps, then the quiet hours. None: it may leave.

    ``entries``: the contact's ledger without the message itself; ``calendar``: the recipient's.
    """
    place_at = max((cap.free_at(entries, at, calendar) for cap in timing.caps_on(topic)), default=at)
    clear_at = place_at if timing.quiet is None else timing.quiet.over(place_at, calendar.zone)
    if place_at > at:
        return Objection(Reason.FREQUENCY_CAP, place_at, clear_at)
    if clear_at > at:
        return Objection(Reason.QUIET_HOURS, place_at, clear_at)
    return None


# --- right before the provider is called ----------------------------------------------------------------------------


def last_look(
    timing: Timing, entries: Sequence[LedgerEntry], effect: SendEmail, at: datetime, calendar: Calendar
) -> Reason | None:
    """What speaks against a released message at the instant at which it really leaves; only what has left counts."""
    if not effect.is_marketing:
        return None
    others = [entry for entry in entries if entry.left and entry.key != effect.key]
    found = objection(timing, others, effect.topic, at, calendar)
    return None if found is None else found.reason


def underway(recipient: Recipient, key: str) -> Recipient:
    """The recipient once the message is on its way and cannot be taken back."""
    entries = recipient.ledger
    if entries is None:
        return recipient
    marked = tuple(msgspec.structs.replace(each, left=True) if each.key == key else each for each in entries)
    return msgspec.structs.replace(recipient, ledger=marked)
