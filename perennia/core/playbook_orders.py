"""What a person orders for everybody who is in a playbook: part of a revision, carried out by each customer's next decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

# `migrate` and `exit` are ways to publish (`pin`, the third, orders nothing). `resume` lets what was held go on, `skip` resumes
# without what fell due meanwhile.
PlaybookWord: TypeAlias = Literal["migrate", "exit", "pause", "resume", "skip"]


class PlaybookOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One such order, as it is stored with the revision ``number``.

    ``version``: the one that ``migrate`` leads to and ``exit`` spares; None: the playbook is gone. ``map``: removed steps
    and where whoever stands there goes. ``at``: when it was given; what a customer does before that instant it does not touch.
    """

    number: int
    at: datetime
    playbook: str
    word: PlaybookWord
    by: str
    version: str | None = None
    map: dict[str, str] = {}


class Pause(msgspec.Struct, frozen=True):
    """``until`` None: it lasts."""

    since: datetime
    until: datetime | None


def pauses_of(orders: Iterable[PlaybookOrder]) -> Mapping[str, tuple[Pause, ...]]:
    """When each playbook was paused, the last time last."""
    found: dict[str, list[Pause]] = {}
    for order in sorted(orders, key=lambda each: each.number):
        pauses = found.setdefault(order.playbook, [])
        is_paused = bool(pauses) and pauses[-1].until is None
        if order.word == "pause" and not is_paused:
            pauses.append(Pause(order.at, None))
        elif order.word in ("resume", "skip") and is_paused:
            pauses[-1] = Pause(pauses[-1].since, order.at)
    return {playbook: tuple(pauses) for playbook, pauses in found.items() if pauses}
