"""What evaluating expressions costs, per evaluation, in CPU time: `.venv/bin/python bench/expressions.py`."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

from perennia.core.calendar import Calendar
from perennia.core.decisions import CustomerEvent
from perennia.core.expressions import Expression, View, compile_expression
from perennia.core.facts import Facts, absorb, tally_needs

START = datetime(2026, 1, 1, tzinfo=UTC)
CALENDAR = Calendar(zone=ZoneInfo("Europe/Madrid"), workspace=ZoneInfo("Europe/Berlin"))
NAMES = frozenset({"traits", "account", "contact", "enter", "steps", "stage"})
ROUNDS = 20_000

EXPRESSIONS = (
    'traits.plan == "pro"',
    'traits.plan == "pro" && count("Logged In", "30d") >= 3',
    'idle("Logged In", "14d")',
    'happened("Logged In", "30d")',
    'older(traits.renewal_date, "30d")',
    'count("Logged In", "30d") + 1 > 2',
    'total("Logged In", "amount", "30d") >= 10',
    "traits.seats + 1 > 3",
    'traits.tags.exists(tag, tag == "vip")',
)


def customer(expression: Expression) -> View:
    """Five events of the last days, a few traits."""
    facts = Facts(ref="ana", first_seen=START)
    facts.traits = {"plan": "pro", "seats": 5, "tags": ["new", "vip"], "renewal_date": "2026-06-01"}
    needs = tally_needs([expression])
    for day in range(5):
        at = START + timedelta(days=1 + day)
        absorb(facts, CustomerEvent(at=at, name="Logged In", properties={"amount": 3}), needs, CALENDAR)
    return View(now=START + timedelta(days=8), facts=facts, calendar=CALENDAR)


def microseconds_each(expression: Expression) -> float:
    view = customer(expression)
    seconds = timeit.repeat(lambda: expression.evaluate(view), number=ROUNDS, repeat=3, timer=process_time)
    return min(seconds) / ROUNDS * 1_000_000


def main() -> None:
    for text in EXPRESSIONS:
        print(f"{microseconds_each(compile_expression(text, names=NAMES)):8.2f} us  {text}")


if __name__ == "__main__":
    main()
