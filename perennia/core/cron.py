"""Schedules as cron writes them: five fields, read in one zone, to the instant (language, section 4)."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from perennia.core.calendar import resolve

ONE_DAY = timedelta(days=1)
# 29 February skips 1900, 2100 and their like: eight years hold at least one.
SEARCH_DAYS = 8 * 366 + 2
SOME_DAY = date(2000, 1, 1)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")


class CronError(ValueError):
    """A text is no schedule. The message says which field is wrong and why."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    words: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, start=1)}),
    _Field("day of week", 0, 7, {word: number for number, word in enumerate(_DAYS)}),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Times of day, and the days on which they count. ``weekdays`` have Monday as 0.

    ``either``: both kinds of day are restricted, and a day counts that meets one of them, as everywhere in cron.
    """

    text: str
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def first(self, earliest: datetime, zone: ZoneInfo) -> datetime:
        """The first instant (UTC) of the schedule that is not before ``earliest``, by the clocks of ``zone``.

        A time that a clock change skips is the first instant after the gap; one that it repeats counts in its first pass.
        """
        # From the day before: a gap that swallows midnight moves a time into the next day.
        day = earliest.astimezone(zone).date() - ONE_DAY
        while True:
            day = self.first_day(day)
            # In a zone, what is later on the clock is never earlier as an instant: gaps and repeated hours keep the order.
            instants = _Instants(day, self.times, zone)
            index = bisect_left(instants, earliest)
            if index < len(instants):
                return instants[index]
            day += ONE_DAY

    def first_day(self, day: date) -> date:
        """The first day from ``day`` on that the schedule falls on. Raises `CronError` where there is none."""
        for _ in range(SEARCH_DAYS):
            if self._falls_on(day):
                return day
            day += ONE_DAY
        raise CronError(f'"{self.text}" names a day that no year has')

    def _falls_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.weekday() in self.weekdays
        return by_date or by_weekday if self.either else by_date and by_weekday


@dataclass(frozen=True, slots=True)
class _Instants:
    """The instants of one day, each worked out only where it is looked at."""

    day: date
    times: tuple[time, ...]
    zone: ZoneInfo

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, index: int) -> datetime:
        return resolve(datetime.combine(self.day, self.times[index]), self.zone)


@lru_cache(maxsize=256)
def parse_cron(text: str) -> Cron:
    """Five fields: minute, hour, day of month, month, day of week; lists, ranges, steps and English names of three letters.

    Raises `CronError`, also for a day that no year has.
    """
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise CronError(f'"{text}" must have five fields: minute, hour, day of month, month, day of week')
    minutes, hours, days, months, weekdays = (_numbers(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    cron = Cron(
        text=text,
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset((number - 1) % 7 for number in weekdays),
        either=not parts[2].startswith("*") and not parts[4].startswith("*"),
    )
    cron.first_day(SOME_DAY)  # raises for a day that no year has
    return cron


def _numbers(text: str, field: _Field) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _range(part, field))


def _range(part: str, field: _Field) -> range:
    found = _PART.fullmatch(part)
    if found is None:
        raise CronError(f'"{part}" is no {field.name}')
    step = int(found["step"] or 1)
    if step == 0:
        raise CronError(f'"{part}" in the {field.name} steps by nothing')
    if found["all"]:
        return range(field.lowest, field.highest + 1, step)
    first = _number(found["first"], field)
    if found["last"] is None:
        if found["step"]:
            raise CronError(f'"{part}" in the {field.name} needs a range before its step, as in */{step}')
        return range(first, first + 1)
    last = _number(found["last"], field)
    if last == 0 and field.name == "day of week":
        last = 7
    if last < first:
        raise CronError(f'"{part}" in the {field.name} runs backwards')
    return range(first, last + 1, step)


def _number(word: str, field: _Field) -> int:
    number = field.words.get(word.lower())
    if number is None and word.isascii() and word.isdigit():
        number = int(word)
    if number is None or not field.lowest <= number <= field.highest:
        raise CronError(f'"{word}" is no {field.name}')
    return number
