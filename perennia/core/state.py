"""Everything about one customer that decisions need: one serialisable model, under 4 KB for a typical customer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from perennia.core.definitions import Scope
from perennia.core.facts import Facts
from perennia.core.json_values import JsonObject


class Watch(msgspec.Struct, omit_defaults=True):
    """A condition's last known truth, the instant at which time alone could change it, and what could sooner.

    ``watching`` holds tokens ``event:NAME`` and ``trait:NAME``.
    """

    holds: bool = False
    next_change: datetime | None = None
    watching: tuple[str, ...] = ()


class UnspentEvent(msgspec.Struct, omit_defaults=True):
    """An event since entry that satisfied the event conditions ``conditions`` and was used by no wait so far."""

    seq: int
    conditions: tuple[str, ...]


class Enrollment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One run through one playbook version; it stands at one step, where it blocks.

    ``base`` is the instant from which the current step's span counts. ``awaiting`` is the key of the effect whose end it
    waits for. ``due`` is the instant at which its wait ends by itself. ``id`` is ``PLAYBOOK.N``, the customer's Nth run.
    """

    id: str
    playbook: str
    version: str
    started: datetime
    step: str | None
    base: datetime
    due: datetime | None = None
    awaiting: str | None = None
    paused: bool = False
    converted: datetime | None = None
    enter: JsonObject = {}
    steps: dict[str, JsonObject] = {}
    visits: dict[str, int] = {}
    watches: dict[str, Watch] = {}
    unspent: list[UnspentEvent] = []
    latched: list[str] = []


class PastEnrollments(msgspec.Struct, omit_defaults=True):
    """What re-entry needs to know of a playbook's ended enrollments."""

    runs: int = 0
    ended: datetime | None = None


class StageState(msgspec.Struct, omit_defaults=True):
    """Where the customer stands in a track. ``held``: set by a step or a person, until some criterion's truth changes."""

    stage: str
    since: datetime
    held: bool = False
    ended: bool = False


class CustomerState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``now`` is the last instant that was decided up to; ``revision`` the catalog it was decided with."""

    customer: str
    kind: Scope
    now: datetime
    facts: Facts
    revision: str | None = None
    enrollments: list[Enrollment] = []
    past: dict[str, PastEnrollments] = {}
    stages: dict[str, StageState] = {}
    watches: dict[str, Watch] = {}


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """What admission must know of whoever a message goes to. ``consents``: topic to yes or no, where one was given."""

    address: str | None
    suppressed: bool = False
    consents: dict[str, bool] = {}


RecipientRole: TypeAlias = Literal["contact", "owner"]
