"""The engine's clock: the only place that reads the time and knows a time scale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The engine's time, aware, UTC."""
        ...

    def real(self, span: timedelta) -> timedelta:
        """How long ``span`` of the engine's time takes on the wall, never negative."""
        ...


@dataclass(frozen=True)
class WallClock:
    """Real time, or ``scale`` times as fast since ``origin`` (a real instant that all processes of one installation share)."""

    scale: float = 1.0
    origin: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        real = datetime.now(UTC)
        if self.scale == 1.0:
            return real
        return self.origin + (real - self.origin) * self.scale

    def real(self, span: timedelta) -> timedelta:
        return max(span, timedelta(0)) / self.scale
