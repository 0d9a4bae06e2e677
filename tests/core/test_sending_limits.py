"""From which numbers on a sender or a topic is warned, and stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perennia.core.policy_definitions import SendingLimits
from perennia.core.reputation import Counted, Standing, counted_over, standing


@pytest.mark.parametrize(
    ("sent", "complained", "bounced", "expected"),
    [
        (1000, 0, 0, "good"),
        (10_000, 9, 0, "good"),
        (10_000, 10, 0, "warned"),
        (10_000, 29, 0, "warned"),
        (10_000, 30, 0, "stopped"),
        (10_000, 0, 166, "good"),
        (10_000, 0, 167, "warned"),
        (10_000, 0, 500, "stopped"),
        (999, 999, 999, "good"),
        (1000, 3, 0, "stopped"),
    ],
)
def test_the_lines_of_bulk_senders(sent: int, complained: int, bounced: int, expected: Standing) -> None:
    assert standing(Counted(sent, complained, bounced), SendingLimits()) == expected


def test_a_workspace_may_only_want_to_be_told() -> None:
    assert standing(Counted(10_000, 500, 0), SendingLimits(stop=False)) == "warned"


def test_a_limit_of_nothing_stops_at_the_first() -> None:
    limits = SendingLimits(complaints="0%", at_least=1)
    assert standing(Counted(1, 1, 0), limits) == "stopped"
    assert standing(Counted(1, 0, 0), limits) == "good"


def test_messages_count_for_as_long_as_the_limits_say() -> None:
    assert counted_over(SendingLimits(over="2w")) == timedelta(days=14)
