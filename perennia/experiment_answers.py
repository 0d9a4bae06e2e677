"""What an installation is asked and answers about experiments."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import msgspec

from perennia.installation import Installation


class Between(msgspec.Struct, frozen=True):
    low: float
    high: float


class Growth(Between, frozen=True, kw_only=True):
    """A part of the baseline's rate: 0.2 is a fifth more."""

    value: float


class ExperimentSide(msgspec.Struct, frozen=True, kw_only=True):
    """``rate`` of conversions within ``low`` and ``high``. ``open``: who may still reach the goal."""

    name: str
    share: float
    customers: int
    converted: int
    open: int
    rate: float | None
    low: float
    high: float
    difference: Between | None
    lift: Growth | None
    always_valid: Between | None


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """``of``: ``holdout``, or the step of a split. ``needed``: customers on each side to see the effect."""

    of: str
    baseline: str
    sides: list[ExperimentSide]
    mismatch: float
    sound: bool
    winner: str | None
    needed: dict[str, int] | None


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    playbook: str
    goal: str
    within: str
    since: datetime | None
    effect: float
    stopping_rule: str
    comparisons: list[Compared]


async def playbook_experiment(at: Installation, playbook: str, effect: str, since: datetime | None) -> Experiment:
    return await _asked(at, f"playbooks/{quote(playbook, safe='')}/experiments", effect, since)


async def broadcast_report(at: Installation, name: str, effect: str) -> Experiment:
    return await _asked(at, f"broadcasts/{quote(name, safe='')}/report", effect, None)


async def _asked(at: Installation, path: str, effect: str, since: datetime | None) -> Experiment:
    told = {"effect": effect, **({} if since is None else {"since": since.isoformat()})}
    return msgspec.json.decode(await at.ask("GET", path, **told), type=Experiment)
