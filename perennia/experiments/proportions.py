"""Two shares compared: intervals, lift, how many it takes, whether the split went as it should, when one may stop.

All of it is two-sided at 95 % where nothing else is said. Nothing here is random or reads a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, erfc, exp, log, log1p, pi, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

ALPHA: Final = 0.05
POWER: Final = 0.8
# At how many customers, both sides together, the confidence sequence is as narrow as it can be. Any number is valid, but it must
# be chosen before anybody looks: so it is one for all.
TIGHTEST_AT: Final = 5000
# The sequence is an asymptotic one: below these it says nothing. Of 1,600 runs without any difference, with 50 looks each, it
# then called a false winner in at most 3.5 % (four kinds of 400: shares of 2 to 50 %, a holdout of 10 %).
FEWEST_CUSTOMERS: Final = 50
FEWEST_CONVERSIONS: Final = 10

_z = NormalDist().inv_cdf


class Share(NamedTuple):
    """``hits`` of ``total``; the total may be 0."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        return self.hits / self.total if self.total else None


class Interval(NamedTuple):
    low: float
    high: float


def share_interval(share: Share, alpha: float = ALPHA) -> Interval:
    """Wilson's score interval (JASA 22, 1927): it stays between 0 and 1 and holds for few customers, too."""
    if share.total == 0:
        return Interval(0.0, 1.0)
    z, n, p = _z(1 - alpha / 2), share.total, share.hits / share.total
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def difference_interval(one: Share, other: Share, alpha: float = ALPHA) -> Interval:
    """Of ``one`` less ``other``: Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, 873-890, method 10)."""
    if one.value is None or other.value is None:
        return Interval(-1.0, 1.0)
    (low, high), (other_low, other_high) = share_interval(one, alpha), share_interval(other, alpha)
    difference = one.value - other.value
    below = sqrt((one.value - low) ** 2 + (other_high - other.value) ** 2)
    above = sqrt((high - one.value) ** 2 + (other.value - other_low) ** 2)
    return Interval(difference - below, difference + above)


class Lift(NamedTuple):
    """How much larger one share is than the other, as a part of the other: 0.2 is a fifth more."""

    value: float
    low: float
    high: float


def relative_lift(one: Share, other: Share, alpha: float = ALPHA) -> Lift | None:
    """With the log interval of Katz et al. (Biometrics 34, 1978, 469-474). None where either side has nobody to show."""
    if not one.hits or not other.hits:
        return None
    ratio = (one.hits / one.total) / (other.hits / other.total)
    spread = _z(1 - alpha / 2) * sqrt(1 / one.hits - 1 / one.total + 1 / other.hits - 1 / other.total)
    return Lift(ratio - 1, ratio * exp(-spread) - 1, ratio * exp(spread) - 1)


def sample_size(base: float, effect: float, ratio: float = 1.0) -> tuple[int, int] | None:
    """How many customers it takes to see ``base`` grow by ``effect`` (0.2: a fifth) with power 80 % at a level of 5 %.

    Of the side that has the base share, and of the other, which is ``ratio`` times as large (Fleiss, Statistical Methods for
    Rates and Proportions, 1981, chapter 3, without the correction for continuity). For one look at the end, not for many.
    None where the base, or what it is to become, is no share between 0 and 1.
    """
    grown = base * (1 + effect)
    if not (0 < base < 1 and 0 < grown < 1) or effect == 0:
        return None
    pooled = (base + ratio * grown) / (1 + ratio)
    under_null = _z(1 - ALPHA / 2) * sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
    under_effect = _z(POWER) * sqrt(base * (1 - base) + grown * (1 - grown) / ratio)
    needed = ((under_null + under_effect) / (grown - base)) ** 2
    return ceil(needed), ceil(ratio * needed)


# --- did the split go as it should? -----------------------------------------------------------------------------------


def mismatch(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The probability of counts at least so far from their ``shares`` by chance (Pearson's chi-square test).

    A sample ratio mismatch (Fabijan et al., KDD 2019) is a fault of the experiment, whatever its result: at p < 0.001.
    """
    wanted = [(count, share) for count, share in zip(counts, shares, strict=True) if share > 0]
    total, whole = sum(count for count, _ in wanted), sum(share for _, share in wanted)
    if total == 0 or len(wanted) < 2:
        return 1.0
    expected = [(count, total * share / whole) for count, share in wanted]
    return chi_square_tail(sum((count - due) ** 2 / due for count, due in expected), len(wanted) - 1)


def chi_square_tail(value: float, freedom: int) -> float:
    """P(X >= value) of a chi-square distribution with ``freedom`` degrees: a finite sum for whole numbers of them."""
    half = value / 2
    if freedom % 2:
        total, term, start = erfc(sqrt(half)), 2 * sqrt(half / pi) * exp(-half), 3
    else:
        total, term, start = exp(-half), half * exp(-half), 4
    for degrees in range(start, freedom + 1, 2):
        total += term
        term *= value / degrees
    return min(1.0, total)


# --- when may one stop? -----------------------------------------------------------------------------------------------


def always_valid_interval(one: Share, other: Share, alpha: float = ALPHA) -> Interval:
    """Of ``one`` less ``other``: it holds at every look at once, however often somebody looks and whenever they stop.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 52, 2024,
    theorem 2.2), which is that of the mixture sequential probability ratio test (Johari, Koomen, Pekelis and Walsh,
    Operations Research 70, 2022). Too few customers say nothing: everything from -1 to 1.
    """
    few = min(one.total, other.total) < FEWEST_CUSTOMERS or one.hits + other.hits < FEWEST_CONVERSIONS
    if few or one.value is None or other.value is None:
        return Interval(-1.0, 1.0)
    both = one.total + other.total
    # Of one customer in the estimate; shares seen to be 0 or 1 are moved a little (Agresti and Caffo, 2000).
    variance = both * sum(
        p * (1 - p) / side.total for side in (one, other) for p in [(side.hits + 1) / (side.total + 2)]
    )
    mixed = both * _tuning(alpha)
    half = sqrt(variance) * sqrt(2 * (mixed + 1) / (both * mixed) * log(sqrt(mixed + 1) / alpha))
    difference = one.value - other.value
    return Interval(max(-1.0, difference - half), min(1.0, difference + half))


def _tuning(alpha: float) -> float:
    """The mixture's variance by which the sequence is narrowest at `TIGHTEST_AT` (the same paper, appendix B.2)."""
    bound = -2 * log(alpha)
    return (bound + log1p(bound)) / TIGHTEST_AT
