"""Warming up: the most messages a provider is given a day while receivers get to know its domain and address."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import parse_qsl

from perennia.providers.failures import Misconfigured

OPTIONS: Final = ("warm_up", "warm_up_by", "warm_up_from", "warm_up_to")
# What receivers' own advice comes to: some dozens of messages at first, twice as many every two or three days.
FROM: Final = 50
BY: Final = 1.3
# A maximum without an end of its own is over here: nobody who sends that many is new.
WARM: Final = 1_000_000


@dataclass(frozen=True)
class WarmUp:
    """``begins``: the first day, in UTC. ``first``: the most messages on it, ``growth`` times as many on each next day.

    ``ceiling``: what the maximum grows to, and stays at; None: it grows until there is none (`WARM`).
    """

    begins: date
    first: int = FROM
    growth: float = BY
    ceiling: int | None = None

    def maximum(self, day: date) -> int | None:
        """The most messages of that day; before the first one as on it. None: as many as one likes."""
        end = self.ceiling or WARM
        days = max((day - self.begins).days, 0)
        # By logarithms, since a power of many days is more than a float holds.
        if math.log(self.first) + days * math.log(self.growth) >= math.log(end):
            return self.ceiling
        return min(math.floor(self.first * self.growth**days), end)


def warm_up_of(told: Mapping[str, str], scheme: str) -> WarmUp | None:
    """What a URL's options say: ``warm_up=2026-12-01``, and how it begins, grows and ends. Raises `Misconfigured`."""
    begins = told.get("warm_up")
    if begins is None:
        lone = next((name for name in OPTIONS if name in told), None)
        if lone is not None:
            raise Misconfigured(
                f"{lone} in the URL of {scheme} needs the day on which the warm-up begins, warm_up=DATE"
            )
        return None
    first = _number(told, "warm_up_from", FROM, scheme)
    warm_up = WarmUp(_day(begins, scheme), first, _growth(told, scheme))
    if "warm_up_to" not in told:
        return warm_up
    ceiling = _number(told, "warm_up_to", first, scheme)
    if ceiling < first:
        raise Misconfigured(f"warm_up_to in the URL of {scheme} is less than what the warm-up begins with, {first}")
    return WarmUp(warm_up.begins, first, warm_up.growth, ceiling)


def warm_up_in(url: str) -> WarmUp | None:
    """The same of a provider's whole URL."""
    return warm_up_of(dict(parse_qsl(url.partition("?")[2])), url.partition(":")[0])


def _day(text: str, scheme: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"warm_up in the URL of {scheme} is a day like 2026-12-01") from None


def _number(told: Mapping[str, str], name: str, default: int, scheme: str) -> int:
    text = told.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= WARM):
        raise Misconfigured(f"{name} in the URL of {scheme} is a number of messages a day, from 1 to {WARM:,}")
    return int(text)


def _growth(told: Mapping[str, str], scheme: str) -> float:
    try:
        growth = float(told.get("warm_up_by", BY))
    except ValueError:
        growth = 0.0
    if not 1 <= growth <= 10:
        raise Misconfigured(f"warm_up_by in the URL of {scheme} is a factor from 1 to 10, like {BY}")
    return growth
