"""What `check` says of the policies: the workspace's, and those that a scenario puts in their place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from perennia.catalog.check_messages import check_confirmation, check_digest
from perennia.catalog.check_times import check_time
from perennia.catalog.inspection import Inspection
from perennia.catalog.public_holidays import UnknownCountry, holidays_of
from perennia.catalog.scenario_models import PolicyChanges
from perennia.catalog.yaml_source import Path
from perennia.core.admission import timing_of
from perennia.core.calendar import find_zone
from perennia.core.definitions import FrequencyCap, Policies, QuietHours, Topic
from perennia.core.quiet_hours import LONGEST_LOOK, WindowError, parse_window
from perennia.core.wall_clock import TimeOfDayError, parse_time

# Limits over more than this tell of a reputation that nobody remembers.
LONGEST_COUNT = timedelta(days=30)
# Any Monday of a week without a change of clocks.
_A_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def check_policies(inspection: Inspection, policies: Policies) -> None:
    """Adds to the inspection's findings."""
    check_changes(inspection, policies, policies.topics, ())
    for key in ("any", "relational"):
        inspection.span(("survey_cooldown", key), getattr(policies.survey_cooldown, key))
    _check_limits(inspection, policies)
    _check_people(inspection, policies)
    for name, topic in policies.topics.items():
        _check_topic(inspection, name, topic)
    sender = policies.default_sender
    if sender is not None and sender not in policies.senders:
        inspection.unknown(("default_sender",), "sender", sender, policies.senders)
    for name, known in policies.senders.items():
        _check_address(inspection, ("senders", name, "email"), known.email)


def _check_address(inspection: Inspection, path: Path, address: str) -> None:
    local, at, domain = address.partition("@")
    if not (local and at and domain) or any(character.isspace() for character in address):
        inspection.at_value(path, "bad-address", f'"{address}" is no email address')


def _check_limits(inspection: Inspection, policies: Policies) -> None:
    limits = policies.sending_limits
    span = inspection.span(("sending_limits", "over"), limits.over)
    if span is not None and (span.business_days or not 0 < span.length_us <= LONGEST_COUNT.total_seconds() * 1e6):
        message = f'"{limits.over}" is no span to count messages over'
        inspection.at_value(("sending_limits", "over"), "bad-span", message, "write one up to 30 days, like 7d")
    for key, told in (("sending_limits", limits.tell), ("broadcasts", policies.broadcasts.tell)):
        _check_channel(inspection, policies, (key, "tell"), told)


def _check_channel(inspection: Inspection, policies: Policies, path: Path, channel: str | None) -> None:
    if channel is not None and policies.channels and channel not in policies.channels:
        inspection.unknown(path, "channel", channel, policies.channels)


def _check_people(inspection: Inspection, policies: Policies) -> None:
    for name, person in policies.people.items():
        path: Path = ("people", name)
        if person.email is not None:
            _check_address(inspection, (*path, "email"), person.email)
        _check_zone(inspection, (*path, "timezone"), person.timezone)
        _check_channel(inspection, policies, (*path, "tell"), person.tell)
        if person.digest is not None:
            _check_time(inspection, (*path, "digest"), person.digest)
        if person.email is None and person.tell is None and "@" not in name:
            message = f"nobody can tell {name} of a task"
            inspection.at_key(path, "nowhere-to-tell", message, 'give "email", or "tell: CHANNEL"')
    for name, team in policies.teams.items():
        if name in policies.people:
            message = f'"{name}" is a person and a team'
            inspection.at_key(("teams", name), "team-and-person", message, "call the team something else")
        for index, member in enumerate(team.people):
            if member not in policies.people:
                inspection.unknown(("teams", name, "people", index), "person", member, policies.people)


def _check_time(inspection: Inspection, path: Path, text: str) -> None:
    try:
        parse_time(text)
    except TimeOfDayError as error:
        inspection.at_value(path, "bad-time", str(error), "write one like 08:30")


def _check_topic(inspection: Inspection, name: str, topic: Topic) -> None:
    path: Path = ("topics", name)
    if topic.confirm and topic.kind == "opt_out":
        message = "nobody needs to say yes to this topic, so there is nothing to confirm"
        inspection.at_key(
            (*path, "confirm"), "nothing-to-confirm", message, 'make it "kind: opt_in", or leave "confirm" out'
        )
    if topic.digest is not None:
        check_time(inspection, (*path, "digest", "at"), topic.digest.at)
        if topic.digest.template is not None:
            check_digest(inspection, (*path, "digest", "template"), topic.digest.template)
    if topic.confirm_template is None:
        return
    if not topic.confirm:
        message = '"confirm_template" changes nothing without "confirm: true"'
        inspection.warn_at_key((*path, "confirm_template"), "no-effect", message, "leave it out")
    check_confirmation(inspection, (*path, "confirm_template"), topic.confirm_template)


def check_changes(
    inspection: Inspection, policies: Policies | PolicyChanges, topics: Mapping[str, Topic], path: Path
) -> None:
    """Zones, windows, spans, holidays. ``topics``: those that are in force; ``path``: where the policies stand."""
    _check_zone(inspection, (*path, "timezone"), policies.timezone)
    if policies.quiet_hours is not None:
        _check_quiet_hours(inspection, policies.quiet_hours, (*path, "quiet_hours"))
    if policies.business_hours is not None:
        _check_window(inspection, (*path, "business_hours", "window"), policies.business_hours.window)
    for index, holiday in enumerate(policies.holidays or ()):
        _check_holiday(inspection, (*path, "holidays", index), holiday)
    for index, cap in enumerate(policies.caps or ()):
        _check_cap(inspection, cap, topics, (*path, "caps", index))


def _check_zone(inspection: Inspection, path: Path, zone: str | None) -> None:
    _, unknown = find_zone(zone)
    if unknown is not None:
        inspection.at_value(path, "unknown-zone", f'no time zone "{unknown}"', "write one like Europe/Berlin")


def _check_window(inspection: Inspection, path: Path, text: str) -> bool:
    try:
        parse_window(text)
    except WindowError as error:
        message, _, remedy = str(error).partition("; ")
        inspection.at_value(path, "bad-window", message, remedy)
        return False
    return True


def _check_quiet_hours(inspection: Inspection, hours: QuietHours, path: Path) -> None:
    if not _check_window(inspection, (*path, "window"), hours.window):
        return
    quiet = timing_of(Policies(policies="default", quiet_hours=hours)).quiet
    if quiet is not None and quiet.over(_A_MONDAY, ZoneInfo("UTC")) - _A_MONDAY >= LONGEST_LOOK:
        message = "these quiet hours never end: no message could leave"
        inspection.at_key(path, "no-time-left", message, "leave out a day, or some hours of each")


def _check_holiday(inspection: Inspection, path: Path, holiday: str) -> None:
    if holiday[0].isdigit():
        try:
            datetime.fromisoformat(holiday)
        except ValueError:
            inspection.at_value(path, "bad-date", f'"{holiday}" is no date', "write one like 2026-12-25")
        return
    try:
        holidays_of(holiday)
    except UnknownCountry as error:
        remedy = "write a code like DE, GB or US, or the dates themselves"
        inspection.at_value(path, "unknown-country", str(error), remedy)


def _check_cap(inspection: Inspection, cap: FrequencyCap, topics: Mapping[str, Topic], path: Path) -> None:
    span = inspection.span((*path, "per"), cap.per)
    if span is not None and not (span.length_us or span.business_days):
        message = f'"{cap.per}" is no time at all: this cap would cap nothing'
        inspection.at_value((*path, "per"), "bad-span", message, "write one like 1d or 7d")
    for index, topic in enumerate(cap.topics):
        if topic not in topics:
            inspection.unknown((*path, "topics", index), "topic", topic, topics)
