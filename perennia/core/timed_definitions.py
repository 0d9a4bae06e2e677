"""What a playbook says of dates and times of day, parsed (`definitions`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import Discriminator, Field, Tag, WithJsonSchema

from perennia.core.definition_forms import SPAN_PATTERN, ExpressionText, Model, SpanText
from perennia.core.wall_clock import is_time_of_day

# A span with a sign: ``-90d``.
OffsetText: TypeAlias = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": f"^-?({SPAN_PATTERN})$", "description": "A span, or so much before: -90d."}
    ),
]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ALL_WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class DateTrigger(Model):
    """The instant that a trait tells, or so much before or after it, or a time of the day it then falls on."""

    date: ExpressionText
    offset: OffsetText | None = None
    at: str | None = None
    spread: SpanText | None = None


class ScheduleTrigger(Model):
    """Five fields of cron in the workspace's zone: everybody who matches at such an instant."""

    schedule: str
    spread: SpanText | None = None


class UntilTime(Model):
    """A time of day: the first such instant that is not before now."""

    until: str
    on: tuple[Weekday, ...] = Field(default=ALL_WEEK, min_length=1)
    zone: Literal["customer", "workspace"] = "customer"
    spread: SpanText | None = None


class UntilDate(Model):
    """A date that a trait tells; it moves when the trait moves."""

    until: ExpressionText
    offset: OffsetText | None = None
    missing: Literal["skip", "exit"] = "skip"
    spread: SpanText | None = None


def _wait_form(value: object) -> str:
    """A mapping is one of two: what it waits for is a time of day, or it is not."""
    if isinstance(value, UntilTime | UntilDate):
        return "<time>" if isinstance(value, UntilTime) else "<date>"
    if not isinstance(value, Mapping):
        return "<span>"
    keys = cast("Mapping[str, object]", value)
    until = keys.get("until")
    of_day = is_time_of_day(until) if isinstance(until, str) else "on" in keys or "zone" in keys
    return "<time>" if of_day else "<date>"


Wait: TypeAlias = Annotated[
    Annotated[SpanText, Tag("<span>")] | Annotated[UntilTime, Tag("<time>")] | Annotated[UntilDate, Tag("<date>")],
    Discriminator(_wait_form),
]
