"""What `check` says of dates, times of day and schedules."""

from __future__ import annotations

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.calendar import SpanError
from perennia.core.cron import CronError, parse_cron
from perennia.core.timed_definitions import DateTrigger, ScheduleTrigger, UntilDate, UntilTime
from perennia.core.wall_clock import TimeOfDayError, parse_offset, parse_time


def check_until(inspection: Inspection, path: Path, until: UntilTime | UntilDate) -> None:
    """Everything but the expression of a date."""
    check_spread(inspection, (*path, "spread"), until.spread)
    if isinstance(until, UntilTime):
        check_time(inspection, (*path, "until"), until.until)
    else:
        check_offset(inspection, (*path, "offset"), until.offset)


def check_timed_trigger(inspection: Inspection, path: Path, trigger: DateTrigger | ScheduleTrigger) -> None:
    """Everything but the expression of a date."""
    check_spread(inspection, (*path, "spread"), trigger.spread)
    if isinstance(trigger, DateTrigger):
        check_offset(inspection, (*path, "offset"), trigger.offset)
        check_time(inspection, (*path, "at"), trigger.at)
        return
    try:
        parse_cron(trigger.schedule)
    except CronError as error:
        remedy = 'write one like "0 9 * * mon": minute, hour, day of month, month, day of week'
        inspection.at_value((*path, "schedule"), "bad-schedule", str(error), remedy)


def check_time(inspection: Inspection, path: Path, text: str | None) -> None:
    try:
        parse_time(text or "00:00")
    except TimeOfDayError as error:
        inspection.at_value(path, "bad-time", str(error), "write one like 09:00 or 17:30")


def check_offset(inspection: Inspection, path: Path, text: str | None) -> None:
    try:
        parse_offset(text or "0d")
    except SpanError as error:
        message = str(error).partition("; ")[0]
        inspection.at_value(path, "bad-span", message, "write one like -7d, +2h or -2bd")


def check_spread(inspection: Inspection, path: Path, text: str | None) -> None:
    span = inspection.span(path, text)
    if span is not None and span.business_days:
        message = f'"{text}" has no length that could be divided'
        inspection.at_value(path, "bad-span", message, "write a spread like 10m or 2h")
