"""Spans and calendars: what `2d` or `2bd` after an instant is, whatever DST and holidays do (language, section 2)."""  # noqa: A005 (its name is perennia.core.calendar)

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST_SPAN = timedelta(days=36_500)
VALID_SPANS = "write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D"
MONDAY_TO_FRIDAY = frozenset(range(5))

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

_PART = re.compile(r"(\d+)(bd|[smhdw])")
_PARTS = re.compile(r"(?:\d+(?:bd|[smhdw]))+")
_ISO = re.compile(
    r"P(?=.)(?:(?P<Y>\d+)Y)?(?:(?P<M>\d+)M)?(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?"
)


class SpanError(ValueError):
    """A text is no span. The message says what is wrong with it and shows valid ones."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: ``days`` and ``business_days`` are calendar units, ``exact`` is not. ``text`` is as written.

    ``length_us`` is its length in microseconds where days have 24 hours, business days left out.
    """

    days: int
    business_days: int
    exact: timedelta
    text: str
    length_us: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length_us", self.days * DAY_US + self.exact // MICROSECOND)


@lru_cache(maxsize=1024)
def parse_span(text: str) -> Span:
    """The span that ``text`` writes: units ``s m h d w bd`` each at most once, or ISO-8601 without years and months.

    Whatever their order in the text, calendar units are added first. ``bd`` and ``d``/``w`` exclude each other: nobody
    could say which comes first. Raises `SpanError`.
    """
    amounts = _iso_amounts(text) if text[:1] == "P" else _amounts(text)
    days = amounts.get("d", 0) + 7 * amounts.get("w", 0)
    business_days = amounts.get("bd", 0)
    seconds = amounts.get("s", 0) + 60 * amounts.get("m", 0) + 3600 * amounts.get("h", 0)
    if business_days and days:
        raise SpanError(f'"{text}" mixes business days with days or weeks; write one of them')
    if days + business_days + seconds // 86_400 > LONGEST_SPAN.days:
        raise SpanError(f'"{text}" is longer than a hundred years')
    return Span(days, business_days, timedelta(seconds=seconds), text)


def _amounts(text: str) -> dict[str, int]:
    if not _PARTS.fullmatch(text):
        raise SpanError(f'"{text}" is no span; {VALID_SPANS}')
    amounts: dict[str, int] = {}
    for number, unit in _PART.findall(text):
        if unit in amounts:
            raise SpanError(f'"{text}" names the unit "{unit}" twice; {VALID_SPANS}')
        amounts[unit] = _number(number, text)
    return amounts


def _iso_amounts(text: str) -> dict[str, int]:
    found = _ISO.fullmatch(text)
    if not found:
        raise SpanError(f'"{text}" is no span; {VALID_SPANS}')
    amounts = {unit: _number(number, text) for unit, number in found.groupdict().items() if number}
    if "Y" in amounts or "M" in amounts:
        raise SpanError(f'"{text}" has years or months, which differ in length; write days, as in P90D')
    return amounts


def _number(digits: str, text: str) -> int:
    if len(digits) > 10:  # 36,500 days are 3,153,600,000 seconds: ten digits
        raise SpanError(f'"{text}" is longer than a hundred years')
    return int(digits)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How days pass for one customer: days in the customer's ``zone``, business days in the ``workspace``'s.

    ``business_days`` are weekdays with Monday as 0, at least one; ``holidays`` are no business days.
    """

    zone: ZoneInfo
    workspace: ZoneInfo
    business_days: frozenset[int] = MONDAY_TO_FRIDAY
    holidays: frozenset[date] = frozenset()

    def after(self, start: datetime, span: Span) -> datetime:
        """``start + span`` in UTC: calendar units at the same wall-clock time, then exact ones.

        A wall-clock time that DST skips becomes the first instant after the gap; one that it repeats, the first pass.
        ``2bd`` is the second business day after today. Not monotone in ``start``: over a repeated hour a later start may
        end earlier, and Saturday + 1bd may end before Friday + 1bd.
        """
        return self._shift(start, span, 1)

    def before(self, end: datetime, span: Span) -> datetime:
        """``end - span`` in UTC, by the same rules, business days counted backwards."""
        return self._shift(end, span, -1)

    def midnight(self, day: date) -> datetime:
        """The first instant of ``day`` in the customer's zone, in UTC."""
        return resolve(datetime(day.year, day.month, day.day), self.zone)  # noqa: DTZ001 (a wall-clock time is naive)

    def after_us(self, start: int, span: Span) -> int:
        """`after` in microseconds since 1970 UTC. On calm days it is an addition."""
        if not span.business_days:
            if not span.days:
                return start + span.length_us
            day = start // DAY_US
            offset, later = calm_offset(self.zone, day), calm_offset(self.zone, day + span.days)
            if offset is not None and later is not None:
                return start + span.length_us + offset - later
        return microseconds(self.after(instant(start), span))

    def _shift(self, start: datetime, span: Span, sign: int) -> datetime:
        moved = start
        if span.days:
            wall = start.astimezone(self.zone).replace(tzinfo=None)
            moved = resolve(wall + timedelta(days=sign * span.days), self.zone)
        elif span.business_days:
            wall = start.astimezone(self.workspace).replace(tzinfo=None)
            day = self._business_day(wall.date(), sign * span.business_days)
            moved = resolve(datetime.combine(day, wall.time()), self.workspace)
        return moved.astimezone(UTC) + span.exact * sign

    def _business_day(self, today: date, count: int) -> date:
        step = timedelta(days=1 if count > 0 else -1)
        day, left, idle = today, abs(count), 0
        while left:
            day += step
            idle += 1
            if day.weekday() in self.business_days and day not in self.holidays:
                left, idle = left - 1, 0
            elif idle > 366:
                raise SpanError(
                    "a whole year without a business day; look at business_hours and holidays in the policies"
                )
        return day


def resolve(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which clocks in ``zone`` first show the naive ``wall``; skipped ones: the end of the gap."""
    first = wall.replace(tzinfo=zone, fold=0)
    offset = first.utcoffset() or timedelta(0)
    later = first.replace(fold=1).utcoffset() or timedelta(0)
    instant = wall.replace(tzinfo=UTC, fold=0) - offset
    if later <= offset:
        return instant
    return _change_of_offset(instant - (later - offset), instant, zone)


def _change_of_offset(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the offset of ``after``, to the second (finer transitions do not exist)."""
    new = after.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()) - 1, int(after.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == new:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


@lru_cache(maxsize=65_536)
def calm_offset(zone: ZoneInfo, day: int) -> int | None:
    """The offset (microseconds) of a UTC day (days since 1970) if it changes neither on it nor the day before or after.

    Around a calm day, what is later in UTC is later on the clock: no repeated hour is longer than a day.
    """
    start = (day - 1) * 86_400
    offsets = {datetime.fromtimestamp(start + hour * 3600, zone).utcoffset() for hour in range(73)}
    offset = offsets.pop()
    return None if offsets or offset is None else offset // MICROSECOND


def microseconds(when: datetime) -> int:
    """Since 1970 UTC."""
    return (when - EPOCH) // MICROSECOND


def instant(us: int) -> datetime:
    """The instant so many microseconds after 1970 UTC."""
    return EPOCH + us * MICROSECOND


def find_zone(*names: object) -> tuple[ZoneInfo, str | None]:
    """The first of ``names`` that is a time zone, else UTC; and the first unknown name met, for the log.

    None is skipped without a word.
    """
    unknown: str | None = None
    for name in names:
        zone = _zone(name) if isinstance(name, str) else None
        if zone is not None:
            return zone, unknown
        if name is not None and unknown is None:
            unknown = str(name)
    return ZoneInfo("UTC"), unknown


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: names of folders, such as "Europe"
        return None
