"""Business days of the policies, in spans (language, section 2). START is Monday 2 March 2026, 09:00 UTC."""

from __future__ import annotations

import pytest

from tests.support.lives import Life

BOOK = """
playbook: p
topic: tips
enter: {on: [{event: Go}]}
steps: [{wait: 2bd}, {email: m}]
"""


@pytest.mark.parametrize(
    ("policies", "mailed"),
    [
        ("", "2d"),
        ('holidays: ["2026-03-03"]', "3d"),
        ("business_hours: {days: [mon, sun]}", "7d"),
        ('business_hours: {days: [mon, sun]}\nholidays: ["2026-03-08"]', "13d"),
    ],
)
def test_a_business_day_is_what_the_policies_say(policies: str, mailed: str) -> None:
    found = Life(BOOK, policies=policies).event("0d", "Go").until("20d").timeline
    assert found[0] == (mailed, "email m")


def test_business_days_are_the_workspaces_also_for_who_lives_elsewhere() -> None:
    # In Auckland it is Tuesday already when it is Monday 14:00 UTC.
    life = Life(BOOK, policies='holidays: ["2026-03-03"]', traits={"timezone": "Pacific/Auckland"})
    assert life.event("5h", "Go").until("9d").timeline[0] == ("3d5h", "email m")
