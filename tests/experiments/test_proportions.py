"""Shares compared: every figure as it was published, or as other programs give it."""

from __future__ import annotations

import random

import pytest

from perennia.experiments.proportions import (
    Share,
    always_valid_interval,
    chi_square_tail,
    difference_interval,
    mismatch,
    relative_lift,
    sample_size,
    share_interval,
)


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [(Share(81, 263), 0.2553, 0.3662), (Share(15, 148), 0.0624, 0.1605), (Share(0, 20), 0.0, 0.1611)],
)
def test_a_share_has_the_intervals_of_newcombe_1998_table_one(share: Share, low: float, high: float) -> None:
    assert share_interval(share) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (Share(56, 70), Share(48, 80), 0.0524, 0.3339),
        (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
        (Share(5, 56), Share(0, 29), -0.0381, 0.1926),
        (Share(10, 10), Share(0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_has_the_intervals_of_newcombe_1998_table_two(
    one: Share, other: Share, low: float, high: float
) -> None:
    assert difference_interval(one, other) == pytest.approx((low, high), abs=5e-5)


def test_a_lift_is_that_of_the_aspirin_trial() -> None:
    """Steering Committee of the Physicians' Health Study, NEJM 321, 1989: relative risk 0.55, 0.43 to 0.70."""
    lift = relative_lift(Share(104, 11037), Share(189, 11034))
    assert lift is not None
    assert [round(each + 1, 2) for each in lift] == [0.55, 0.43, 0.70]


def test_nobody_converted_means_no_lift() -> None:
    assert relative_lift(Share(3, 100), Share(0, 100)) is None


def test_it_takes_as_many_as_r_says() -> None:
    """`power.prop.test(p1 = .10, p2 = .12, power = .80)`: n = 3840.847."""
    assert sample_size(0.10, 0.2) == (3841, 3841)


def test_a_small_holdout_takes_more_on_both_sides_together() -> None:
    few, many = sample_size(0.10, 0.2, ratio=9.0) or (0, 0)
    assert many == pytest.approx(9 * few, abs=9)
    assert few + many > 2 * 3841


def test_what_is_no_share_takes_nobody() -> None:
    assert (sample_size(0.6, 1.0), sample_size(0.0, 0.2), sample_size(0.5, 0.0)) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "freedom", "tail"),
    [(3.841459, 1, 0.05), (10.827566, 1, 0.001), (5.991465, 2, 0.05), (7.814728, 3, 0.05), (18.307038, 10, 0.05)],
)
def test_tails_of_chi_square_are_those_of_the_tables(value: float, freedom: int, tail: float) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(tail, rel=1e-5)


def test_sides_that_chance_does_not_make_are_told_from_those_that_it_does() -> None:
    """Fabijan et al. 2019: 821,588 and 815,482 users of an even split are a mismatch; p = 1.8e-6."""
    assert mismatch([821_588, 815_482], [50, 50]) == pytest.approx(1.8e-6, rel=0.05)
    assert mismatch([105, 895], [10, 90]) > 0.5


def test_few_customers_decide_nothing() -> None:
    assert always_valid_interval(Share(30, 30), Share(0, 30)) == (-1.0, 1.0)


def test_a_large_difference_is_beyond_doubt_and_a_small_one_is_not() -> None:
    """Wider than the interval of one look (0.02 to 0.10 here), as it must be."""
    low, high = always_valid_interval(Share(160, 1000), Share(100, 1000))
    assert low < 0.02
    assert high > 0.10
    assert always_valid_interval(Share(300, 1000), Share(100, 1000)).low > 0.1


def false_winner(seed: int, share: float, rate: float, looks: int = 50, between: int = 40) -> bool:
    """Whether anybody who looks after every few customers ever sees a difference where there is none."""
    chance = random.Random(seed)
    hits, totals = [0, 0], [0, 0]
    for _ in range(looks):
        for _ in range(between):
            side = chance.random() < share
            totals[side] += 1
            hits[side] += chance.random() < rate
        low, high = always_valid_interval(Share(hits[1], totals[1]), Share(hits[0], totals[0]))
        if low > 0 or high < 0:
            return True
    return False


@pytest.mark.parametrize(("share", "rate"), [(0.5, 0.2), (0.1, 0.1)])
def test_whoever_looks_fifty_times_sees_a_false_winner_in_at_most_one_of_twenty(share: float, rate: float) -> None:
    assert sum(false_winner(seed, share, rate) for seed in range(200)) <= 10
