"""What an installation is asked and answers about segments and broadcasts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from urllib.parse import quote

import msgspec

from perennia.core.json_values import JsonObject
from perennia.installation import PAGE, Installation

BroadcastWord: TypeAlias = Literal["approve", "start", "pause", "resume", "cancel"]


class Membership(msgspec.Struct, frozen=True):
    """Whether a customer belongs to a segment now, and what each part of its condition saw."""

    customer: str
    segment: str
    member: bool
    because: list[str]


class BroadcastRun(msgspec.Struct, frozen=True):
    """One way through the audience. ``left_out``: members who were not entered, by reason code."""

    number: int
    began_at: datetime
    done_at: datetime | None
    looked: int
    entered: int
    left_out: dict[str, int]


class BroadcastHead(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    approved_by: str | None = None
    starts_at: datetime | None = None
    ended_at: datetime | None = None
    why: str | None = None
    run: BroadcastRun | None = None


class BroadcastStanding(BroadcastHead, frozen=True, kw_only=True):
    """``waiting``: held, or not decided yet. ``left``: customers to be looked at, ``ready_in`` seconds as it goes now."""

    broadcast: JsonObject
    sent: int
    waiting: int
    in_flight: int
    failed: int
    skipped: dict[str, int]
    holdout: int
    opened: int
    clicked: int
    bounced: int
    complained: int
    left: int | None = None
    rate: float | None = None
    ready_in: int | None = None


async def membership(at: Installation, reference: str, segment: str) -> Membership:
    path = f"customers/{quote(reference, safe='')}/segments/{quote(segment, safe='')}"
    return msgspec.json.decode(await at.ask("GET", path), type=Membership)


async def broadcasts(at: Installation) -> list[BroadcastHead]:
    """The last created first."""
    return msgspec.json.decode(await at.ask("GET", "broadcasts", limit=PAGE), type=list[BroadcastHead])


async def broadcast(at: Installation, name: str) -> BroadcastStanding:
    return msgspec.json.decode(await at.ask("GET", _path(name)), type=BroadcastStanding)


async def create_broadcast(at: Installation, body: JsonObject) -> BroadcastStanding:
    return msgspec.json.decode(await at.ask("POST", "broadcasts", body), type=BroadcastStanding)


async def steer_broadcast(at: Installation, name: str, word: BroadcastWord, by: str) -> BroadcastStanding:
    return msgspec.json.decode(await at.ask("POST", f"{_path(name)}/{word}", {"by": by}), type=BroadcastStanding)


class SentToColleague(msgspec.Struct, frozen=True):
    """``variant``: its step. ``error``: why it did not leave."""

    to: str
    variant: str
    template: str
    error: str | None


async def send_to_colleagues(
    at: Installation, name: str, to: list[str], customer: str | None, by: str
) -> list[SentToColleague]:
    body: JsonObject = {"by": by, "to": [*to], "customer": customer}
    return msgspec.json.decode(await at.ask("POST", f"{_path(name)}/test", body), type=list[SentToColleague])


def _path(name: str) -> str:
    return f"broadcasts/{quote(name, safe='')}"
