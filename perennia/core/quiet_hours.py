"""Windows of the day, and the hours in which nobody is written to (language, sections 2 and 8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from perennia.core.calendar import resolve
from perennia.core.wall_clock import ONE_DAY, TimeOfDayError, parse_time

# Quiet hours that leave no gap never end; whoever asks gives up after a week and a bit, and looks again then.
LONGEST_LOOK = timedelta(days=9)

_WINDOW = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")


class WindowError(ValueError):
    """A text is no window. The message says what is wrong with it, and what to write."""


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` until before ``end``, ``days`` later: 0 on the same day, 1 over midnight."""

    start: time
    end: time
    days: int


@lru_cache(maxsize=64)
def parse_window(text: str) -> Window:
    """``09:00-17:00``, ``22:00-06:00`` over midnight, ``00:00-24:00`` the whole day. Raises `WindowError`."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise WindowError(f'"{text}" is no window; write one like 22:00-06:00')
    try:
        start = parse_time(found[1])
        end = time() if found[2] == "24:00" else parse_time(found[2])
    except TimeOfDayError as error:
        raise WindowError(f"{error}; write a window like 22:00-06:00") from error
    if found[2] != "24:00" and start == end:
        raise WindowError(f'"{text}" begins when it ends; the whole day is 00:00-24:00')
    return Window(start, end, 0 if start < end else 1)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet hours on ``days`` (Monday 0); a window over midnight belongs to the day it starts on."""

    window: Window
    days: frozenset[int]

    def over(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The first instant not before ``at`` (UTC) outside of them, in the recipient's ``zone``.

        A time that clocks skip is the first instant after the gap; one that they repeat, the first pass.
        """
        free = at
        while free - at < LONGEST_LOOK:
            end = self._end(free, zone)
            if end is None:
                break
            free = end
        return free

    def _end(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the window that ``at`` lies in ends; None where it lies in none."""
        today = at.astimezone(zone).date()
        ends = [
            end
            for day in (today - ONE_DAY, today, today + ONE_DAY)  # tomorrow: a gap may move a start into today
            if day.weekday() in self.days
            for start, end in [self._on(day, zone)]
            if start <= at < end
        ]
        return max(ends, default=None)

    def _on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        end = datetime.combine(day + self.window.days * ONE_DAY, self.window.end)
        return resolve(datetime.combine(day, self.window.start), zone), resolve(end, zone)
