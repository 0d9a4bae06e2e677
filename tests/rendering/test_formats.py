"""Money, numbers, dates and spans, as their reader writes them. Expected values are those of Unicode's CLDR, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from perennia.core.json_values import JsonObject
from perennia.rendering import Reader, TemplateError, formats, render_text
from perennia.rendering.grammar import FORMATS

NOW = datetime(2026, 5, 5, 14, 30, tzinfo=UTC)
CONTEXT: JsonObject = {
    "traits": {
        "mrr": 1234.5,
        "text": "1234.50",
        "share": 0.125,
        "currency": "JPY",
        "renewal": "2026-05-05",
        "seen": "2026-05-05T22:30:00Z",
        "unix": 1777991400,
        "tags": ["red", "blue", "green"],
        "plan": "pro",
        "nothing": None,
        "span": "1d12h",
    }
}


def written(text: str, locale: str = "en", zone: str = "Europe/Berlin", at: datetime | None = NOW) -> str:
    plain = render_text("{{ traits." + text + " }}", CONTEXT, Reader(locale, ZoneInfo(zone), at))
    return plain.replace("\u00a0", " ").replace("\u202f", " ").replace("\u200f", "")


def test_the_grammar_knows_each_filter_by_name() -> None:
    assert frozenset(formats.FILTERS) == FORMATS


@pytest.mark.parametrize(
    ("text", "locale", "result"),
    [
        ("mrr | number", "en", "1,234.5"),
        ("mrr | number", "de", "1.234,5"),
        ("mrr | number", "fr", "1 234,5"),
        ("text | number", "en", "1,234.5"),
        ("mrr | number(0)", "de", "1.234"),
        ("mrr | number(digits=3)", "de-CH", "1’234.500"),
        ("share | percent", "en", "12%"),
        ("share | percent(1)", "de", "12,5 %"),
        ('mrr | money("EUR")', "en", "€1,234.50"),
        ('mrr | money("EUR")', "de", "1.234,50 €"),
        ('mrr | money("EUR")', "de-AT", "€ 1.234,50"),
        ('mrr | money("EUR", 0)', "de", "1.234 €"),
        ('mrr | money(currency="JPY")', "ja", "￥1,234"),
        ("mrr | money(traits.currency)", "en-GB", "JP¥1,234"),
        ('mrr | money("USD")', "fr", "1 234,50 $US"),
        ("renewal | date", "en", "May 5, 2026"),
        ("renewal | date", "en-GB", "5 May 2026"),
        ('renewal | date("long")', "de", "5. Mai 2026"),
        ('renewal | date("full")', "es", "martes, 5 de mayo de 2026"),
        ('renewal | date("day")', "ja", "5月5日"),
        ('renewal | date("month")', "pl", "maj 2026"),
        ('renewal | date("weekday")', "nl", "dinsdag"),
        ("seen | date", "de", "06.05.2026"),
        ("seen | time", "de", "00:30"),
        ('seen | time("zone")', "de", "00:30 MESZ"),
        ('seen | time("zone")', "ja", "0:30 GMT+02:00"),
        ("unix | time", "en", "4:30 PM"),
        ("seen | datetime", "en-GB", "6 May 2026, 00:30"),
        ('seen | datetime("full")', "sv", "onsdag 6 maj 2026 00:30"),
        ("span | span", "en", "1 day and 12 hours"),
        ('plan | replace("pro", "2w") | span', "de", "2 Wochen"),
        ("tags | listed", "en", "red, blue, and green"),
        ("tags | listed", "de", "red, blue und green"),
        ('tags | listed("or")', "it", "red, blue o green"),
        ("mrr | number", "tlh", "1,234.5"),
        ("mrr | number", "no language at all", "1,234.5"),
    ],
)
def test_a_value_is_written_as_its_reader_writes_it(text: str, locale: str, result: str) -> None:
    assert written(text, locale) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("2026-05-05", "today"),
        ("2026-05-04", "yesterday"),
        ("2026-05-06", "tomorrow"),
        ("2026-05-18", "in 13 days"),
        ("2026-06-19", "in 6 weeks"),
        ("2026-12-01", "in 7 months"),
        ("2024-05-05", "2 years ago"),
        ("2026-05-05T13:00:00Z", "90 minutes ago"),
        ("2026-05-05T20:00:00Z", "in 6 hours"),
        ("2026-05-07T06:00:00Z", "in 2 days"),
    ],
)
def test_a_relative_span_counts_from_the_instant_of_writing(value: str, result: str) -> None:
    text = '{{ "' + value + '" | relative }}'
    assert render_text(text, {}, Reader("en", ZoneInfo("Europe/Berlin"), NOW)) == result


def test_a_relative_span_counts_the_days_of_the_readers_own_calendar() -> None:
    late = datetime(2026, 5, 5, 22, 30, tzinfo=UTC)
    assert written("renewal | relative", "de", "Europe/Berlin", late) == "gestern"
    assert written("renewal | relative", "de", "America/New_York", late) == "heute"


def test_a_date_is_the_same_day_in_every_zone() -> None:
    for zone in ("Pacific/Auckland", "America/Los_Angeles", "UTC"):
        assert written("renewal | date", "en", zone) == "May 5, 2026"


def test_an_item_of_a_list_is_text_in_html() -> None:
    message: JsonObject = {"traits": {"tags": ["<b>", "&"]}}
    from perennia.rendering.text import compiled

    text = compiled("{{ traits.tags | listed }}", "html", "t")
    assert text.render(message, Reader("en"))[0] == "&lt;b&gt; and &amp;"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('mrr | money("EURO")', "money wants the code of a currency (ISO 4217), like EUR"),
        ('mrr | money("eur")', "like EUR, in capitals"),
        ("mrr | money", "missing a required argument: 'currency'"),
        ('mrr | money("EUR", 9)', "money takes from 0 to 6 digits"),
        ('renewal | date("yyyy")', "date knows short, medium, long, full, day, month, weekday"),
        ('renewal | time("long")', "time knows short, zone"),
        ('tags | listed("nor")', "listed knows and, or"),
        ('mrr | number(digit="2")', "got an unexpected keyword argument 'digit'"),
        ("mrr | mony('EUR')", 'there is no filter "mony"; did you mean "money"?'),
    ],
)
def test_what_is_wrong_whatever_the_values_are_is_found_before_any_is_there(text: str, says: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_text("{% if false %}{{ traits." + text + " }}{% endif %}", CONTEXT, Reader())
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('plan | money("EUR")', "money is for numbers"),
        ("mrr | money(traits.plan)", "money wants the code of a currency"),
        ("plan | date", "date is for instants"),
        ("plan | span", "span is for spans like 3d"),
        ("plan | listed", "listed is for lists"),
        ('nothing | money("EUR")', "traits.nothing is missing"),
        ("nowhere | date", "traits.nowhere is missing"),
        ("mrr | money(traits.nowhere)", "traits.nowhere is missing"),
    ],
)
def test_a_value_that_cannot_be_written_so_is_an_error_that_holds_no_value(text: str, says: str) -> None:
    with pytest.raises(TemplateError) as error:
        written(text)
    assert says in str(error.value)
    assert "pro" not in str(error.value)
