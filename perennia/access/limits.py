"""How often a key may ask: a bucket of permits for each, which fills up again as time passes.

Each process that serves counts for itself. Headers as
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (version 10) has them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from perennia.access.callers import Caller

WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Permit:
    """``retry_after``: seconds until the next request is let through; 0 where this one is. ``headers``: none without a limit."""

    retry_after: int
    headers: dict[str, str]


FREE = Permit(0, {})


@dataclass
class RateLimits:
    """``monotonic``: seconds that only ever grow."""

    monotonic: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])

    def take(self, caller: Caller) -> Permit:
        """One permit of the caller's, if there is one."""
        if caller.rate is None:
            return FREE
        now, a_second = self.monotonic(), caller.rate / WINDOW_SECONDS
        left, at = self._buckets.get(caller.id, (float(caller.rate), now))
        left = min(float(caller.rate), left + (now - at) * a_second)
        wait = 0 if left >= 1 else math.ceil((1 - left) / a_second)
        left -= 0 if wait else 1
        self._buckets[caller.id] = (left, now)
        full_in = math.ceil((caller.rate - left) / a_second)
        headers = {
            "RateLimit-Policy": f'"key";q={caller.rate};w={WINDOW_SECONDS}',
            "RateLimit": f'"key";r={math.floor(left)};t={full_in}',
        }
        return Permit(wait, headers)
