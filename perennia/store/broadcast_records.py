"""The rows about broadcasts that cross the store's border, as frozen structs."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from perennia.core.broadcasts import Status
from perennia.core.decisions import EnrollOrder

# Between its start and its end: somebody sees to it that it goes on.
LIVE: Final[tuple[Status, ...]] = ("scheduled", "running", "paused", "cancelling")
# What it is made of does not leave now.
HALTED: Final[tuple[Status, ...]] = ("paused", "cancelling", "cancelled")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One way through the audience. ``occasion``: what began it, once; ``after``: the last customer (internal id) looked at.

    ``entered``: who got the broadcast's order; ``left_out``: members who did not, by reason.
    """

    number: int
    occasion: str
    began_at: datetime
    after: str = ""
    looked: int = 0
    entered: int = 0
    left_out: dict[str, int] = {}
    done_at: datetime | None = None


class StoredBroadcast(msgspec.Struct, frozen=True, kw_only=True):
    """``body``: the document as it was created, JSON. ``book`` and ``version``: the playbook that it enters; None: as published.

    ``why``: what paused it, where nobody did; ``told``: whether its owner has heard. ``today``: how many it entered on ``day``.
    """

    id: str
    body: str
    status: Status
    book: str
    version: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    approved_by: str | None = None
    starts_at: datetime | None = None
    ended_at: datetime | None = None
    why: str | None = None
    told: bool = True
    day: str = ""
    today: int = 0
    run: Run | None = None


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an audience: ``orders`` for members (internal ids), everybody from ``after`` up to ``last`` was looked at.

    ``day``: the workspace's, for the daily cap. ``done``: nobody comes behind them.
    """

    broadcast: str
    run: int
    after: str
    last: str
    orders: tuple[tuple[str, EnrollOrder], ...]
    looked: int
    left_out: dict[str, int]
    day: str
    at: datetime
    done: bool


class Ending(msgspec.Struct, frozen=True):
    """One page of those whose part in a broadcast was ended. ``done``: nobody is left."""

    rung: tuple[str, ...]
    done: bool


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """What became of those who were ``ordered`` into a broadcast's own playbook, by all its runs.

    ``in_flight``: released, and not sent yet. Of what providers told each message counts once.
    """

    ordered: int = 0
    entered: int = 0
    holdout: int = 0
    refused: dict[str, int] = {}
    sent: int = 0
    failed: int = 0
    skipped: dict[str, int] = {}
    ended: int = 0
    in_flight: int = 0
    opened: int = 0
    clicked: int = 0
    bounced: int = 0
    complained: int = 0
