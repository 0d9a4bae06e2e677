"""When and how often customers are written to, as people write it: parts of the policies (`definitions`)."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from perennia.core.definition_forms import DefinitionId, Flag, Model, Percentage, SpanText
from perennia.core.wall_clock import WEEKDAYS

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# ``22:00-06:00``: checked by the catalog, compiled by `quiet_hours.parse_window`.
WindowText: TypeAlias = str


def _holiday(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}|[A-Z]{2}(-[A-Z0-9]{1,3})?", text):
        return text
    raise ValueError("must be a date like 2026-12-25, or a country's code like DE")


# ``08:30``: checked by the catalog, read by `wall_clock.parse_time`.
TimeText: TypeAlias = str

# A date, or a country (``DE``, ``DE-BY``): the catalog puts its dates in the place of a country when it is released.
Holiday: TypeAlias = Annotated[str, AfterValidator(_holiday)]


def _accent(text: str) -> str:
    """A colour on which white letters can be read: 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError('must be a colour like "#0a6b4a", in quotes')
    parts = [int(text[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    if 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) < 4.5:
        raise ValueError("is too light for white letters on it; take a darker one")
    return text


class Pages(Model):
    """How the hosted pages look. ``accent``: the colour of buttons and of what is chosen."""

    accent: Annotated[str, AfterValidator(_accent)] | None = None


class QuietHours(Model):
    """When nobody is written to, in the recipient's zone. A window over midnight belongs to the day it starts on."""

    window: WindowText
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS


class BusinessHours(Model):
    """When the team works, in the workspace's zone."""

    window: WindowText = "09:00-17:00"
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")


class Digest(Model):
    """When a topic's messages leave, all of them as one: at that time of the day in the recipient's zone.

    ``template``: what they are put into, an HTML or MJML one; it has ``messages`` and ``topic``.
    """

    at: str
    on: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    template: str | None = None


class Tracking(Model):
    """What is learnt of what people do with a message, by links and a picture of our own.

    ``consent``: ``opt_in`` tracks those alone whose trait ``tracking`` is true, ``opt_out`` all but those where it is false.
    """

    clicks: Flag = False
    opens: Flag = False
    consent: Literal["opt_in", "opt_out"] = "opt_in"


class SendingLimits(Model):
    """Which part of a sender's or a topic's mail may be complained of, or come back for good, before it is stopped.

    Counted over what left in the span ``over``, and not before it is ``at_least`` so many messages. ``stop`` false: only told.
    ``tell``: the channel of the team that hears of it.
    """

    complaints: Percentage = "0.3%"
    bounces: Percentage = "5%"
    over: SpanText = "7d"
    at_least: Annotated[int, Field(ge=1, strict=True)] = 1000
    stop: Flag = True
    tell: DefinitionId | None = None


class BroadcastRules(Model):
    """``approval``: a second person says yes before one starts. ``tell``: the channel that hears of one that paused itself."""

    approval: Flag = False
    tell: DefinitionId | None = None


class FrequencyCap(Model):
    """At most so many messages to one contact in any span; ``topics`` empty: of all topics together."""

    messages: Annotated[int, Field(ge=1, strict=True)]
    per: SpanText
    topics: tuple[str, ...] = ()


class Person(Model):
    """Somebody of the team, by the id (or address) that tasks are assigned to.

    ``tell``: the channel where they hear of their tasks; without one, mail to ``email``. ``digest``: the time of day at which
    they get a list of all that is open, on business days, in their ``timezone`` (without one, the workspace's).
    """

    name: str | None = None
    email: str | None = None
    timezone: str | None = None
    tell: DefinitionId | None = None
    digest: TimeText | None = None

    def names(self, id_: str) -> list[str]:
        """What a task of theirs may be assigned to."""
        return [id_] if self.email in (None, id_) else [id_, self.email or ""]


class Team(Model):
    """People one of whom gets each task that is assigned to the team. Nobody gets one while they are away."""

    people: Annotated[tuple[str, ...], Field(min_length=1)]
    assign: Literal["round_robin", "least_loaded"] = "round_robin"
