"""Values that an expression can do nothing with, found beforehand with what to write instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perennia.catalog.clashes import clashes
from perennia.core.calls import NO_VIEW
from perennia.core.expression_compiler import ROOTS
from perennia.core.expressions import compile_expression
from perennia.core.facts import Facts
from perennia.core.json_values import JsonObject
from tests.support.workspaces import Check

ALWAYS: list[tuple[str, str]] = [
    (
        'count("A") / 4.0 > 1',
        'count("A") / 4.0 mixes a whole number with one that has a fraction: that is always an error; '
        'write double(count("A")) / 4.0',
    ),
    (
        'total("A", "x") / 2 > 1',
        'total("A", "x") / 2 mixes a whole number with one that has a fraction: that is always an error; '
        'write total("A", "x") / 2.0',
    ),
    (
        "traits.seats / 2 * 1.5 > 2",
        "traits.seats / 2 * 1.5 mixes a whole number with one that has a fraction: that is always an error; "
        "write double(traits.seats / 2) * 1.5",
    ),
    ("traits.x % 1.5 > 0", "traits.x % 1.5 is always an error; only whole numbers leave a remainder: write int(...)"),
    (
        'count("A") > "3"',
        'count("A") is a whole number, "3" is a text: that is always an error; write 3 without quotes',
    ),
    ('count("A") == "3"', 'count("A") is a whole number, "3" is a text: they are never equal; write 3 without quotes'),
    ('happened("A") != 1', 'happened("A") is true or false, 1 is a whole number: they are always unequal'),
    (
        'traits.renewal > timestamp("2026-01-01T00:00:00Z")',
        "traits.renewal is a text, a number or the like, "
        'timestamp("2026-01-01T00:00:00Z") is a timestamp: that is always an error; '
        'write timestamp(...) on both sides, or older(traits.since, "30d") and within(traits.renewal_date, "60d")',
    ),
    (
        "traits.x > null",
        "traits.x > null is always an error: nothing is more or less than null; write == null, != null or has(...)",
    ),
    ('traits.x in "abc"', '"abc" is a text, not a list or a map'),
    ('"n" + count("A") == "n3"', '"n" is a text, count("A") is a whole number: that is always an error; '
     "write string(...) around the number"),
    ('count("A")', 'count("A") is a whole number, not true or false; compare it with something'),
    ('happened("A") && count("A")', 'count("A") is a whole number, not true or false; compare it with something'),
    ('!count("A")', 'count("A") is a whole number, not true or false; compare it with something'),
    ('count("A") ? true : false', 'count("A") is a whole number, not true or false; compare it with something'),
    ('-"a" == traits.x', '"a" is a text, not a number'),
]  # fmt: skip
FOR_SOME: list[tuple[str, str]] = [
    (
        "traits.mrr * 1.1 > 100",
        "traits.mrr * 1.1 is an error for everybody whose traits.mrr is a whole number; write double(traits.mrr) * 1.1",
    ),
    (
        "health - 5 > 50",
        "health may be whole or not, and health - 5 takes only one of the two; write double(health) - 5.0",
    ),
    (
        'traits.seats > "5"',
        'traits.seats > "5" compares texts: an error for everybody who has a number there; write 5 without quotes',
    ),
    (
        'happened("A", "30d", "event.total * 1.1 > 100")',
        "event.total * 1.1 is an error for everybody whose event.total is a whole number; write double(event.total) * 1.1",
    ),
]
FINE = [
    "traits.seats > 2.5 && traits.seats == 3.0",
    'count("A") >= 4.5 && count("A") in [5.0]',
    'double(count("A")) / 4.0 > 1',
    "double(traits.mrr) * 1.1 > 100",
    "traits.attempts + 1 > 3",
    'traits.renewal > "2026-01-01"',
    'traits.code == "0042"',
    'timestamp(traits.a) - timestamp(traits.b) > duration("24h")',
    "traits.tags.exists(tag, tag > 1.5)",
    "traits.x && steps.ask.answered && health.fit >= 50",
    'stage.adoption == "new" && answers.nps.label == "promoter" && answers.nps.score - 1 > 7',
    '"a" + traits.name == "ab"',
    "traits.x == null || traits.y != null",
    "traits.a ? traits.b == 1 : traits.b == 2.5",
]


def told(text: str) -> list[tuple[str, str]]:
    return [
        (each.how.value, each.message + (f"; {each.remedy}" if each.remedy else ""))
        for each in clashes(text, condition=True)
    ]


@pytest.mark.parametrize(("text", "said"), ALWAYS)
def test_what_is_an_error_for_everybody_is_told(text: str, said: str) -> None:
    assert told(text) == [("types-clash", said)]


@pytest.mark.parametrize(("text", "said"), FOR_SOME)
def test_what_is_an_error_for_some_is_told(text: str, said: str) -> None:
    assert told(text) == [("may-clash", said)]


@pytest.mark.parametrize("text", FINE)
def test_what_works_is_left_alone(text: str) -> None:
    assert told(text) == []


TRAITS: JsonObject = {"seats": 3, "x": 3, "mrr": 100, "renewal": "2026-03-02", "tags": ["a"]}


@pytest.mark.parametrize("text", [text for text, _ in ALWAYS if "!=" not in text])
def test_none_of_these_ever_holds(text: str) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    view = replace(NO_VIEW, now=now, facts=Facts(ref="ana", first_seen=now, traits=TRAITS))
    assert not compile_expression(text, names=ROOTS).evaluate(view).holds


def test_check_warns_at_the_place_in_the_expression(check: Check) -> None:
    assert check("playbook: p\nwhile: traits.plan == 'pro' && traits.mrr * 1.1 > 100\nsteps: [{wait: 1d}]\n") == [
        "playbooks/p.yaml:2:32: warning may-clash: traits.mrr * 1.1 is an error for everybody whose traits.mrr "
        "is a whole number; write double(traits.mrr) * 1.1"
    ]


def test_a_value_need_not_be_true_or_false(check: Check) -> None:
    steps = "[{update: {logins: 'count(\"A\")'}}, {wait: {until: 'timestamp(traits.renewal)'}}]"
    assert check(f"playbook: p\nsteps: {steps}\n") == []
