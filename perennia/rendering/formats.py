"""Values as their reader writes them: money, numbers, dates, spans, lists. Unicode's CLDR knows how, Babel reads it.

Each filter takes the `Reader` first, and raises `WrongValue`, in words that hold no value, for what it cannot write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from inspect import signature
from typing import Final, cast
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_gmt, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent, is_currency

from perennia.core.calendar import SpanError, instant, parse_span
from perennia.core.instants import instant_us
from perennia.rendering.names import WrongValue, printable
from perennia.rendering.reader import Reader, direction, isolated
from perennia.rendering.source import locale_chain
from perennia.rendering.words import MESSAGES

SIZES = ("short", "medium", "long", "full")
DATE_STYLES = (*SIZES, "day", "month", "weekday")
TIME_STYLES = ("short", "zone")
_STYLES = {"date": DATE_STYLES, "time": TIME_STYLES, "datetime": SIZES}
CONJUNCTIONS = {"and": "standard", "or": "or"}
MOST_DIGITS = 6

# An argument that only a message's values decide.
UNKNOWN: Final = object()

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CALENDAR_UNITS = (("year", 365 * 86_400), ("month", 30 * 86_400), ("week", 7 * 86_400))
_CLOCK_UNITS = (("hour", 3_600),)


def number(reader: Reader, value: object, digits: int | None = None) -> str:
    """``1.234,5``: at most three digits after the point; with ``digits`` exactly so many."""
    locale = _babel(reader.locale)
    if digits is None:
        return format_decimal(_number("number", value), locale=locale)
    pattern = copy(locale.decimal_formats[None])
    pattern.frac_prec = (_digits("number", digits),) * 2
    return pattern.apply(_number("number", value), locale)


def percent(reader: Reader, value: object, digits: int = 0) -> str:
    """0.125 is ``12.5%`` with one of ``digits``."""
    locale = _babel(reader.locale)
    pattern = copy(locale.percent_formats[None])
    pattern.frac_prec = (_digits("percent", digits),) * 2
    return format_percent(_number("percent", value), format=pattern, locale=locale)


def money(reader: Reader, value: object, currency: object, digits: int | None = None) -> str:
    """``€ 1.234,50``; as many digits after the point as the currency has, unless ``digits`` says how many."""
    code = _currency(currency)
    locale = _babel(reader.locale)
    pattern = copy(locale.currency_formats["standard"])
    if digits is not None:
        pattern.frac_prec = (_digits("money", digits),) * 2
    amount = _number("money", value)
    return pattern.apply(amount, locale, currency=code, currency_digits=digits is None)


def date(reader: Reader, value: object, style: str = "medium") -> str:
    """``5 May 2026``. A date without a time is that day wherever its reader is."""
    day, locale = _moment("date", reader, value), _babel(reader.locale)
    match _one_of("date", style, DATE_STYLES):
        case "day":
            return format_skeleton("MMMMd", day, locale=locale)
        case "month":
            return format_skeleton("yMMMM", day, locale=locale)
        case "weekday":
            return format_date(day, "EEEE", locale=locale)
        case size:
            return format_date(day, size, locale=locale)


def time(reader: Reader, value: object, style: str = "short") -> str:
    """``14:30``; ``zone`` says whose: ``14:30 CEST``."""
    at, locale = _moment("time", reader, value), _babel(reader.locale)
    shown = format_time(at, "short", tzinfo=at.tzinfo, locale=locale)
    if _one_of("time", style, TIME_STYLES) == "zone":
        name = get_timezone_name(at, width="short", locale=locale)
        # Few zones have letters in few languages; else it is how far it is from Greenwich.
        return f"{shown} {get_timezone_gmt(at, locale=locale) if name[0] in '+-' else name}"
    return shown


def date_time(reader: Reader, value: object, style: str = "medium") -> str:
    """``5 May 2026, 14:30``: the date of that size, and the time."""
    _one_of("datetime", style, SIZES)
    both = str(_babel(reader.locale).datetime_formats[style]).replace("'", "")
    return both.replace("{0}", time(reader, value)).replace("{1}", date(reader, value, style))


def relative(reader: Reader, value: object) -> str:
    """``in 3 days``, ``6 weeks ago``, ``tomorrow``, seen from the instant at which the text is written.

    From a day on, and for dates without a time, days are those of the reader's calendar; the unit is the largest of
    which there are two.
    """
    if reader.at is None:
        raise WrongValue("relative has no instant to count from")
    there, here = _moment("relative", reader, value), reader.at.astimezone(reader.zone)
    exact = there.astimezone(UTC) - here.astimezone(UTC)
    days = (there.date() - here.date()).days
    is_day = isinstance(value, str) and _DATE.fullmatch(value) is not None
    if is_day or abs(exact) >= timedelta(days=1):
        return _in_days(reader, days, there)
    return _spelled(exact, _largest(exact, _CLOCK_UNITS, "minute"), reader, add_direction=True)


def span(reader: Reader, value: object) -> str:
    """``3d`` is ``3 days``, ``1d12h`` is ``1 day and 12 hours``; a number is seconds."""
    parts = [_spelled(timedelta(seconds=seconds), unit, reader, add_direction=False) for unit, seconds in _parts(value)]
    return format_list(parts, "standard", _babel(reader.locale))


def listed(reader: Reader, value: object, conjunction: str = "and") -> str:
    """``red, blue and green``, or with ``or``."""
    style = CONJUNCTIONS[_one_of("listed", conjunction, CONJUNCTIONS)]
    if not isinstance(value, list | tuple):
        raise WrongValue("listed is for lists")
    items = [str(printable(item)) for item in cast("Sequence[object]", value)]
    return format_list(items, "or" if style == "or" else "standard", _babel(reader.locale)) if items else ""


def isolate(reader: Reader, value: object) -> str:
    """A name in a sentence that may run the other way."""
    return isolated(str(printable(value)), direction(reader.locale))


def complaint(name: str, given: Sequence[object], named: Mapping[str, object]) -> str | None:
    """What is wrong with the arguments that a template writes out, whatever its values are; `UNKNOWN` ones are values."""
    try:
        told = signature(FILTERS[name]).bind(None, None, *given, **named).arguments
    except TypeError as error:
        return f"{name}: {error}"
    checks: dict[str, Callable[[object], object]] = {
        "currency": _currency,
        "digits": lambda digits: _digits(name, digits),
        "style": lambda style: _one_of(name, style, _STYLES[name]),
        "conjunction": lambda word: _one_of(name, word, CONJUNCTIONS),
    }
    try:
        for argument, check in checks.items():
            if argument in told and told[argument] is not UNKNOWN:
                check(told[argument])
    except WrongValue as error:
        return str(error)
    return None


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "number": number,
    "percent": percent,
    "money": money,
    "date": date,
    "time": time,
    "datetime": date_time,
    "relative": relative,
    "span": span,
    "listed": listed,
    "isolate": isolate,
}


# --- what values are -------------------------------------------------------------------------------------------------


def _number(name: str, value: object) -> Decimal:
    """CRMs and forms tell numbers as text, too."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        exact = Decimal(str(value))
        if exact.is_finite():
            return exact
    raise WrongValue(f"{name} is for numbers")


def _currency(code: object) -> str:
    if isinstance(code, str) and is_currency(code):
        return code
    near = isinstance(code, str) and is_currency(code.strip().upper())
    raise WrongValue("money wants the code of a currency (ISO 4217), like EUR" + (", in capitals" if near else ""))


def _digits(name: str, digits: object) -> int:
    if isinstance(digits, int) and not isinstance(digits, bool) and 0 <= digits <= MOST_DIGITS:
        return digits
    raise WrongValue(f"{name} takes from 0 to {MOST_DIGITS} digits")


def _one_of(name: str, word: object, known: Sequence[str] | Mapping[str, str]) -> str:
    if isinstance(word, str) and word in known:
        return word
    raise WrongValue(f"{name} knows {', '.join(known)}")


def _moment(name: str, reader: Reader, value: object) -> datetime:
    """On the reader's clock: of ISO text or Unix time, as in expressions (language, section 3)."""
    zone = reader.zone if isinstance(reader.zone, ZoneInfo) else ZoneInfo("UTC")
    us = instant_us(value, zone)
    if us is None:
        raise WrongValue(f"{name} is for instants: 2026-05-05, 2026-05-05T14:30:00Z, or Unix time")
    return instant(us).astimezone(zone)


# --- spans -----------------------------------------------------------------------------------------------------------


def _in_days(reader: Reader, days: int, there: datetime) -> str:
    words = MESSAGES.words(reader.locale)
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days)
    if near is not None and words.is_for(reader.locale):
        return words.sentences[near]
    if days == 0:
        return date(reader, there.isoformat())
    exact = timedelta(days=days)
    return _spelled(exact, _largest(exact, _CALENDAR_UNITS, "day"), reader, add_direction=True)


def _largest(exact: timedelta, units: Sequence[tuple[str, int]], smallest: str) -> str:
    """The largest unit of which there are two: 45 days are 6 weeks, not "2 months"."""
    seconds = abs(exact).total_seconds()
    return next((unit for unit, length in units if seconds >= 2 * length), smallest)


def _spelled(exact: timedelta, unit: str, reader: Reader, *, add_direction: bool) -> str:
    # A threshold that nothing reaches: Babel takes the unit that it is told.
    return format_timedelta(
        exact,
        granularity=unit,  # pyright: ignore[reportArgumentType]  # one of Babel's
        threshold=1e12,
        add_direction=add_direction,
        locale=_babel(reader.locale),
    )


def _parts(value: object) -> list[tuple[str, int]]:
    """Units and their lengths in seconds, the larger first."""
    days, seconds = _days_and_seconds(value)
    weeks, days = divmod(days, 7) if days % 7 == 0 else (0, days)
    amounts = {
        "week": weeks,
        "day": days,
        "hour": seconds // 3600,
        "minute": seconds // 60 % 60,
        "second": seconds % 60,
    }
    lengths = {"week": 7 * 86_400, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    return [(unit, amount * lengths[unit]) for unit, amount in amounts.items() if amount] or [("second", 0)]


def _days_and_seconds(value: object) -> tuple[int, int]:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11:
        return divmod(round(value), 86_400)
    try:
        read = parse_span(value) if isinstance(value, str) else None
    except SpanError:
        read = None
    if read is None or read.business_days:
        raise WrongValue("span is for spans like 3d or 1d12h, without business days, and for seconds")
    return read.days, round(read.exact.total_seconds())


@lru_cache(maxsize=256)
def _babel(tag: str) -> Locale:
    """The nearest locale that CLDR knows: ``de-AT``, ``de`` for one it does not, English for what is no language."""
    for each in locale_chain(tag):
        try:
            return Locale.parse(each, sep="-")
        except (UnknownLocaleError, ValueError):  # ValueError: no tag at all
            continue
    return Locale("en")
