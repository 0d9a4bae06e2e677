"""Broadcasts as people write them, and the playbook that a broadcast of one message is.

One arbiter decides over all that a contact is sent: the contact's own turn. So a broadcast of a message is a playbook of that one
step, which nothing but the broadcast's own orders enters; caps, quiet hours, consent, priority and `why` are those of playbooks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    whole,
)
from perennia.core.definitions import BroadcastBook, Goal
from perennia.core.documents import BROADCAST, Document, PlaybookBody, content_hash
from perennia.core.json_values import JsonObject
from perennia.core.wall_clock import moment

# Below a playbook's 50: who is in the midst of something hears of that first.
BULK_PRIORITY: Final = 20
STEP: Final = "message"
SPLIT: Final = "variant"
# Shares like three times 33.4 less 0.2.
TOLERANCE: Final = 0.001
NO_VERSIONS: Final[Mapping[str, str]] = {}
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
    at_least: Annotated[int, Field(ge=1, strict=True), whole] = 100


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


class Variant(Model):
    """One of several messages; what it does not say, the broadcast does. ``share`` is a percentage."""

    share: Annotated[float, Field(gt=0, le=100, strict=True)]
    email: str | None = None
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")


class Broadcast(Model):
    """One message (``email``), or one ``playbook``, for an audience: now, at an instant, or again and again (``every``: cron).

    ``at``: with an offset an instant; without one a wall-clock time, in the workspace's zone or in each customer's.
    ``past``: what becomes of those in whose zone it is over by then. ``rate``: customers a second;
    ``per_day``: at most so many a day. ``variants``: several messages, each for a share, compared by who reaches the ``goal``.
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
    variants: dict[DefinitionId, Variant] = Field(default_factory=dict)
    goal: Goal | None = None
    at: str | None = None
    zone: Literal["workspace", "customer"] = "workspace"
    past: Literal["send", "skip"] = "send"
    every: str | None = None
    rate: Annotated[int, Field(ge=1, le=1000, strict=True), whole] = 50
    per_day: Annotated[int, Field(ge=1, strict=True), whole] | None = None
    stop_at: StopAt = StopAt()
    owner: str | None = None
    tell: DefinitionId | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Broadcast:
        has_message = self.email is not None or bool(self.variants)
        if has_message == (self.playbook is not None):
            raise ValueError("name either `email` or `playbook`")
        self._check_variants()
        if not self.segments and self.where is None:
            raise ValueError("say who: `segments`, or `where` (`where: true` is everybody)")
        if has_message and self.topic is None and not self.transactional:
            raise ValueError("a message needs a `topic`, or is `transactional`")
        if self.at is not None and self.every is not None:
            raise ValueError("`at` and `every` exclude each other")
        if self.is_local and (self.playbook is not None or self.at is None):
            raise ValueError("`zone: customer` is for one message `at` a wall-clock time")
        if self.at is not None and _read(self.at).tzinfo is not None and self.is_local:
            raise ValueError("`at` is a wall-clock time without an offset where `zone: customer` reads it")
        return self

    def _check_variants(self) -> None:
        if self.goal is not None and self.playbook is not None:
            raise ValueError("a playbook has its own `goal`")
        if not self.variants:
            return
        total = sum(variant.share for variant in self.variants.values())
        if len(self.variants) < 2 or abs(total - 100) > TOLERANCE:
            raise ValueError(f"`variants` are two or more, and their shares sum to 100, not to {total:g}")
        if self.goal is None:
            raise ValueError("say by which `goal` the variants are compared")
        silent = [name for name, variant in self.variants.items() if variant.email is None]
        if silent and self.email is None:
            raise ValueError(f"the variant `{silent[0]}` has no `email`, and the broadcast has none")

    @property
    def emails(self) -> dict[str, tuple[str, dict[str, ExpressionText]]]:
        """By the step that sends it each message: its template, and what it is given. None where it enters a playbook."""
        if not self.variants:
            return {} if self.email is None else {STEP: (self.email, self.with_)}
        return {
            name: (variant.email or self.email or "", {**self.with_, **variant.with_})
            for name, variant in self.variants.items()
        }

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


def book_of(broadcast: Broadcast, templates: Mapping[str, str] = NO_VERSIONS) -> Document:
    """The playbook of its message, or of its variants. ``templates``: the version of each as it is now; of others ``""``."""
    messages = [_message(broadcast, step) for step in broadcast.emails]
    steps: list[dict[str, object]] = messages
    if broadcast.variants:
        arms = zip(broadcast.variants.items(), messages, strict=True)
        split = {name: {"share": variant.share, "then": [message]} for (name, variant), message in arms}
        steps = [{"id": SPLIT, "split": split}]
    if broadcast.is_local:
        steps.insert(0, {"id": "until", "wait": {"until": f"enter.{LOCAL_INSTANT}"}})
    definition: dict[str, object] = {
        "playbook": broadcast.book,
        "name": broadcast.name,
        "topic": broadcast.topic,
        "priority": broadcast.priority,
        "enter": {"reenter": "always" if broadcast.every else "once", "holdout": broadcast.holdout},
        "goal": broadcast.goal,
        "steps": steps,
    }
    book = BroadcastBook.model_validate(definition)
    said = cast("dict[str, object]", book.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    named = sorted({template for template, _ in broadcast.emails.values()})
    body = PlaybookBody(definition=said, templates={name: templates.get(name, "") for name in named})
    text = json.dumps(msgspec.to_builtins(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Document(kind="playbook", id=broadcast.book, version=content_hash(text), body=text)


def _message(broadcast: Broadcast, step: str) -> dict[str, object]:
    template, values = broadcast.emails[step]
    said: dict[str, object] = {"id": step, "email": template, "transactional": broadcast.transactional}
    said |= {"from": broadcast.from_, "with": values, "hold": broadcast.hold}
    return said | {"on_quiet": broadcast.on_quiet, "on_cap": broadcast.on_cap}


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
