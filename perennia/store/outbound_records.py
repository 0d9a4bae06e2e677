"""What crosses the store's border of events that other systems are told. No SQL here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from perennia.core.json_values import JsonObject


class OutboundType(StrEnum):
    """What endpoints may be told of. The version of all their payloads is `PAYLOAD_VERSION`."""

    STAGE_CHANGED = "stage.changed"
    ENROLLMENT_STARTED = "enrollment.started"
    ENROLLMENT_ENDED = "enrollment.ended"
    GOAL_REACHED = "goal.reached"
    MESSAGE_ENDED = "message.ended"
    MESSAGE_REPORTED = "message.reported"
    TASK_OPENED = "task.opened"
    TASK_ENDED = "task.ended"
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_ENDED = "approval.ended"
    RESPONSE_RECEIVED = "response.received"
    HEALTH_CHANGED = "health.changed"
    CONSENT_CHANGED = "consent.changed"


# What `test` sends, whatever types the endpoint has.
TEST_TYPE = "endpoint.test"
PAYLOAD_VERSION = 1

DeliveryStatus = Literal["waiting", "delivered", "failed"]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where events go. ``types``: none means all. ``tell``: the team's channel that hears when it is disabled.

    ``former_until``: until then what it is sent is signed with the former secret, too. ``failing_since``: since then nothing
    was taken. ``version`` grows with each change.
    """

    id: str
    url: str
    name: str
    types: tuple[str, ...]
    tell: str | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None
    disabled_why: str | None = None
    failing_since: datetime | None = None
    former_until: datetime | None = None
    version: int = 1


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint is from here on. ``version``: of the one that was looked at; None: of whichever is there."""

    url: str
    name: str
    types: tuple[str, ...]
    tell: str | None
    version: int | None


class OutboundEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a customer, for whoever wants to hear of it. ``data``: ids, and what changed; nothing more."""

    type: str
    at: datetime
    data: JsonObject


class DueEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event that is to be posted now. ``secrets``: each signs. ``attempt``: from 1."""

    event: str
    endpoint: str
    url: str
    secrets: tuple[str, ...]
    body: str
    attempt: int
    failing_since: datetime | None
    tell: str | None


class PostOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an attempt. ``again_at``: when the next one is due; None: there is none. ``disable``: why, if so."""

    ok: bool
    status: int | None
    error: str | None
    again_at: datetime | None = None
    disable: str | None = None


class OutboundDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an endpoint's log. ``at``: of the event; ``next_at``: of the next attempt."""

    event: str
    type: str
    at: datetime
    status: DeliveryStatus
    attempts: int
    last_status: int | None
    last_error: str | None
    next_at: datetime | None
    ended_at: datetime | None
    cursor: str
