"""Why something did not happen, and what would have to change for it to happen."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from perennia.core.answers import View
from perennia.core.calendar import Calendar, microseconds
from perennia.core.decisions import Act, JournalEntry
from perennia.core.expressions import compile_expression
from perennia.core.facts import Facts, Tally
from perennia.why.changes import changes
from perennia.why.wording import put_in_words

MADRID = ZoneInfo("Europe/Madrid")
LAST = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
LOGINS = Tally(count=3, last=LAST, recent=[(microseconds(LAST), 0)] * 3)
FACTS = Facts(
    ref="ana",
    first_seen=datetime(2026, 3, 1, tzinfo=UTC),
    traits={"plan": "free", "seats": 3, "renewal": "2026-04-01"},
    tallies={"Logged In": LOGINS},
)
VIEW = View(
    now=NOW,
    facts=FACTS,
    calendar=Calendar(MADRID, MADRID),
    names={"stage": {"adoption": "new"}},
    stages={"adoption": ("new", LAST)},
)
NAMES = frozenset({"traits", "stage"})


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ('traits.plan in ["pro", "team"]', ["traits.plan is free; it would have to be pro or team"]),
        (
            'traits.plan == "pro" && traits.seats >= 5',
            ["traits.plan is free; it would have to be pro", "traits.seats is 3; it would have to be at least 5"],
        ),
        (
            'traits.plan == "pro" || traits.seats > 5',
            ["traits.plan is free; it would have to be pro -- or: traits.seats is 3; it would have to be more than 5"],
        ),
        ("!(traits.seats < 5)", ["traits.seats is 3; it would have to be at least 5"]),
        ("traits.nothing == 1", ["traits.nothing is not known; it would have to be 1"]),
        ('count("Logged In", "30d") >= 5', ["Logged In: 3 in the last 30d, needs at least 5"]),
        (
            'idle("Logged In", "14d")',
            [
                "Logged In last happened Mon 2 Mar 2026 09:00:00; wait until Mon 16 Mar 2026 09:00:00 without another",
            ],
        ),
        ('happened("Paid", "7d")', ["Paid never happened; it would have to happen, within 7d"]),
        ('older(traits.renewal, "30d")', ["traits.renewal is 2026-04-01; wait until Fri 1 May 2026 00:00:00"]),
        ('in_stage("adoption", "new", "30d")', ["adoption is at new; wait until Wed 1 Apr 2026 09:00:00"]),
        ('traits.plan == "free"', []),
    ],
)
def test_what_would_have_to_change_is_said(expression: str, said: list[str]) -> None:
    evidence = compile_expression(expression, names=NAMES).explain(VIEW)
    assert list(changes(evidence, MADRID)) == said


def test_a_refused_entry_says_what_it_needed() -> None:
    evidence = compile_expression('traits.plan == "pro"', names=NAMES).explain(VIEW)
    reason = "failed_entry_filter"
    entry = JournalEntry(at=NOW, act=Act.REFUSED, code=reason, reason=reason, playbook="hello", evidence=(evidence,))
    assert put_in_words(entry, MADRID).needed == ("traits.plan is free; it would have to be pro",)
