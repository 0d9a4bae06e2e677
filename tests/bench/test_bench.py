"""The bench's own arithmetic, and its workspace. What it counts is asserted where it is made: tests/engine, tests/store."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import msgspec
import pytest

from bench.lives import Cost, mean
from bench.posting import irrelevant_events
from bench.report import Side
from bench.site import WORKSPACE
from bench.steady import Spread, spread
from bench.tally import Tally, read_tally
from perennia.catalog import load_workspace


def cost(server: float, worker: float, api: str = "api") -> Cost:
    return Cost(customers=100, seconds=4.0, cpu_ms={"temporal": server, "worker": worker, api: 2.0}, history_events=14)


def test_the_workspace_that_is_measured_has_no_findings() -> None:
    assert load_workspace(WORKSPACE).findings == ()


def test_a_spread_is_in_milliseconds() -> None:
    assert spread([number / 1000 for number in range(1, 102)]) == Spread(101, 51.0, 100.0, 101.0)


def test_rounds_of_one_size_come_to_their_mean() -> None:
    both = mean([cost(30.0, 10.0), cost(40.0, 12.0)])

    assert (both.customers, both.rate, both.cpu_ms) == (200, 25.0, {"temporal": 35.0, "worker": 11.0, "api": 2.0})


def test_a_ratio_is_ours_over_the_bare_ones() -> None:
    side = Side("event -> branch -> email", cost(33.0, 10.0), cost(30.0, 8.0, api="starter"))

    assert (side.server_ratio, side.total_ratio) == (pytest.approx(1.1), pytest.approx(1.125))


def test_a_tally_is_read_where_it_is_not_counted(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "statements")
    for _ in range(3):
        tally.add()

    assert (read_tally(tmp_path / "statements"), read_tally(tmp_path / "nothing")) == (3, 0)


def test_irrelevant_events_have_message_ids_of_their_own() -> None:
    bodies = [msgspec.json.decode(body) for body in islice(irrelevant_events(["ana", "ben"], 100), 3)]

    assert len({item["messageId"] for body in bodies for item in body["batch"]}) == 300
