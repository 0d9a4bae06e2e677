"""A zone that changes moves every span of days, so who waits for one is rung by it (language, section 2)."""

from __future__ import annotations

import pytest

from perennia.core.advance import advance
from perennia.core.decisions import CustomerEvent
from perennia.core.state import Recipient
from tests.support.lives import START, catalog_of
from tests.support.random_lives import fresh

INSIDE = """
playbook: p
topic: tips
enter: {{on: [{{event: Go}}]}}
goal: {{when: '{goal}'}}
steps: [{{wait: 20d}}]
"""
OUTSIDE = """
playbook: p
topic: tips
enter: {{on: [{{when: '{when}'}}]}}
steps: [{{wait: 20d}}]
"""


def watching(text: str) -> frozenset[str]:
    go = CustomerEvent(at=START, seq=1, name="Go")
    return advance(catalog_of(text), fresh(), START, [go], {"c1": Recipient(address=None)}).watching


@pytest.mark.parametrize(
    ("expression", "follows"),
    [
        ('count("A", "3d") > 1', True),
        ('idle("A", "1w")', True),
        ('older(traits.since, "36h")', True),
        ('in_stage("t", "s", "2d")', True),
        ('count("A", "72h") > 1', False),
        ('idle("A", "2bd")', False),
        ('happened("A")', False),
        ("traits.x == 1", False),
    ],
)
def test_the_zone_is_watched_where_it_can_change_an_answer(expression: str, follows: bool) -> None:
    assert ("trait:timezone" in watching(INSIDE.format(goal=expression))) is follows
    assert ("trait:timezone" in watching(OUTSIDE.format(when=expression))) is follows
