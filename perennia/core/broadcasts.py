"""Broadcasts as people write them, and the playbook that a broadcast of one message is.

One arbiter decides over all that a contact is sent: the contact's own turn. So a broadcast of a message is a playbook of that one
step, which nothing but the broadcast's own orders enters; caps, quiet hours, consent, priority and `why` are those of playbooks.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias, cast
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, model_validator

from perennia.core.audiences import Asked
from perennia.core.calendar import Calendar
from perennia.core.decisions import EnrollOrder
from perennia.core.definition_forms import (
    DefinitionId,
    ExpressionText,
    Flag,
    Model,
    Percentage,
    Priority,
    Scope,
    SpanText,
    part_of_one,
)
from perennia.core.definitions import BroadcastBook
from perennia.core.documents import BROADCAST, Document, PlaybookBody, content_hash
from perennia.core.json_values import JsonObject
from perennia.core.wall_clock import moment

# Below a playbook's 50: who is in the midst of something hears of that first.
BULK_PRIORITY: Final = 20
STEP: Final = "message"
# No zone is further ahead of UTC: so long before its UTC reading a wall-clock time comes somewhere.
FIRST_ZONE: Final = timedelta(hours=14)
# Before a wall-clock time comes anywhere, everybody is looked for, so that nobody's first instant is missed.
LEAD: Final = timedelta(hours=1)
LOCAL_INSTANT: Final = "send_at"

Status: TypeAlias = Literal[
    "draft", "waiting", "approved", "scheduled", "running", "paused", "cancelling", "cancelled", "done"
]
ENDED: Final = frozenset({"cancelled", "done"})


class StopAt(Model):
    """From which part of its messages on a broadcast pauses itself, and not before it has sent ``at_least`` so many."""

    complaints: Percentage = "0.3%"
    bounces: Percentage = "5%"
    failures: Percentage = "10%"
    at_least: Annotated[int, Field(ge=1, strict=True)] = 100


class Tally(NamedTuple):
    """Messages of a broadcast: so many left, failed, were complained of, came back for good."""

    sent: int
    failed: int
    complained: int
    bounced: int


def too_much(stop_at: StopAt, tally: Tally) -> str | None:
    """What has gone wrong too often, in words for people; None where all is well, or too little was sent to tell."""
    tried = tally.sent + tally.failed
    if tried < stop_at.at_least:
        return None
    for what, count, of, limit in (
        ("complaints", tally.complained, tally.sent, stop_at.complaints),
        ("hard bounces", tally.bounced, tally.sent, stop_at.bounces),
        ("failures", tally.failed, tried, stop_at.failures),
    ):
        if count and count / max(of, 1) >= part_of_one(limit):
            return f"{count:,} {what} of {of:,} messages (limit {limit})"
    return None


class Broadcast(Model):
    """One message (``email``), or one ``playbook``, for an audience: now, at an instant, or again and again (``every``: cron).

    ``at``: with an offset an instant; without one a wall-clock time, in the workspace's zone or in each customer's.
    ``past``: what becomes of those in whose zone it is over by then. ``rate``: customers a second;
    ``per_day``: at most so many a day.
    """

    broadcast: DefinitionId
    name: str | None = None
    campaign: str | None = None
    scope: Scope = "contact"
    segments: tuple[DefinitionId, ...] = ()
    where: ExpressionText | None = None
    without: tuple[DefinitionId, ...] = ()
    unless: ExpressionText | None = None
    email: str | None = None
    topic: str | None = None
    transactional: Flag = False
    priority: Priority = BULK_PRIORITY
    from_: str | None = Field(default=None, alias="from")
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")
    hold: SpanText = "2d"
    on_quiet: Literal["hold", "skip"] = "hold"
    on_cap: Literal["hold", "skip"] = "hold"
    playbook: DefinitionId | None = None
    payload: dict[str, object] = Field(default_factory=dict)
    holdout: Percentage | None = None
    at: str | None = None
    zone: Literal["workspace", "customer"] = "workspace"
    past: Literal["send", "skip"] = "send"
    every: str | None = None
    rate: Annotated[int, Field(ge=1, le=1000, strict=True)] = 50
    per_day: Annotated[int, Field(ge=1, strict=True)] | None = None
    stop_at: StopAt = StopAt()
    owner: str | None = None
    tell: DefinitionId | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Broadcast:
        if (self.email is None) == (self.playbook is None):
            raise ValueError("name either `email` or `playbook`")
        if not self.segments and self.where is None:
            raise ValueError("say who: `segments`, or `where` (`where: true` is everybody)")
        if self.email is not None and self.topic is None and not self.transactional:
            raise ValueError("a message needs a `topic`, or is `transactional`")
        if self.at is not None and self.every is not None:
            raise ValueError("`at` and `every` exclude each other")
        if self.is_local and (self.playbook is not None or self.at is None):
            raise ValueError("`zone: customer` is for one message `at` a wall-clock time")
        if self.at is not None and _read(self.at).tzinfo is not None and self.is_local:
            raise ValueError("`at` is a wall-clock time without an offset where `zone: customer` reads it")
        return self

    @property
    def is_local(self) -> bool:
        return self.zone == "customer"

    @property
    def asked(self) -> Asked:
        return Asked(
            segments=self.segments, where=self.where, without=self.without, unless=self.unless, scope=self.scope
        )

    @property
    def book(self) -> str:
        """The id of the playbook that it enters."""
        return self.playbook or f"{BROADCAST}{self.broadcast}"


def book_of(broadcast: Broadcast, template_version: str) -> Document:
    """The playbook of its one message, with the version of the template as it is now."""
    step: dict[str, object] = {"id": STEP, "email": broadcast.email, "transactional": broadcast.transactional}
    step |= {"from": broadcast.from_, "with": broadcast.with_, "hold": broadcast.hold}
    step |= {"on_quiet": broadcast.on_quiet, "on_cap": broadcast.on_cap}
    steps: list[dict[str, object]] = [step]
    if broadcast.is_local:
        steps.insert(0, {"id": "until", "wait": {"until": f"enter.{LOCAL_INSTANT}"}})
    definition: dict[str, object] = {
        "playbook": broadcast.book,
        "name": broadcast.name,
        "topic": broadcast.topic,
        "priority": broadcast.priority,
        "enter": {"reenter": "always" if broadcast.every else "once", "holdout": broadcast.holdout},
        "steps": steps,
    }
    book = BroadcastBook.model_validate(definition)
    said = cast("dict[str, object]", book.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    body = PlaybookBody(definition=said, templates={broadcast.email or "": template_version})
    text = json.dumps(msgspec.to_builtins(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Document(kind="playbook", id=broadcast.book, version=content_hash(text), body=text)


def order_of(broadcast: Broadcast, version: str | None, at: datetime) -> EnrollOrder:
    """What each member of the audience is told. ``version``: of the playbook that the broadcast is made of."""
    payload = cast("JsonObject", {**broadcast.payload})
    if broadcast.is_local:
        payload[LOCAL_INSTANT] = broadcast.at
    by = f"{BROADCAST}{broadcast.broadcast}"
    return EnrollOrder(at=at, playbook=broadcast.book, by_person=False, by=by, payload=payload, version=version)


def begins_at(broadcast: Broadcast, now: datetime, workspace: ZoneInfo) -> datetime:
    """When the audience is looked for first."""
    if broadcast.at is None:
        return now
    read = _read(broadcast.at)
    if broadcast.is_local:
        return max(now, read.replace(tzinfo=UTC) - FIRST_ZONE - LEAD)
    return max(now, (read if read.tzinfo is not None else read.replace(tzinfo=workspace)).astimezone(UTC))


def is_too_late(broadcast: Broadcast, calendar: Calendar, now: datetime) -> bool:
    """Whether the customer's own instant is over and nobody wants it sent then."""
    if not broadcast.is_local or broadcast.past == "send":
        return False
    instant = moment(broadcast.at, calendar)
    return instant is not None and instant < now


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`at`: {text!r} is no instant; write 2026-03-02T09:00") from None
