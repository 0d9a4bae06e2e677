"""What a playbook's experiments came to: whoever is held out against all others, and the variants of each split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Final, NamedTuple

import msgspec

from perennia.core.definition_forms import part_of_one
from perennia.core.definitions import EventGoal, Playbook
from perennia.core.step_definitions import SplitStep
from perennia.core.step_ids import place_steps
from perennia.experiments.proportions import (
    ALPHA,
    Interval,
    Lift,
    Share,
    always_valid_interval,
    difference_interval,
    mismatch,
    relative_lift,
    sample_size,
    share_interval,
)
from perennia.store.trial_records import TrialCount

HOLDOUT: Final = "holdout"
TREATED: Final = "treated"
# Below it the numbers on the sides are no chance (Fabijan et al., KDD 2019).
MISMATCH_AT: Final = 0.001
STOPPING_RULE: Final = (
    "asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 52, 2024): "
    "it holds however often somebody looks"
)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One variant. ``share``: of the customers that it should have, in per cent; ``open``: who may still reach the goal.

    ``rate`` within ``low`` and ``high``: conversions, at 95 %. Against the baseline: ``difference`` in rates, ``lift`` as a part
    of the baseline's rate, and ``always_valid``: the difference by the stopping rule.
    """

    name: str
    share: float
    customers: int
    converted: int
    open: int
    rate: float | None
    low: float
    high: float
    difference: Interval | None = None
    lift: Lift | None = None
    always_valid: Interval | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """``of``: ``holdout``, or a split's step. ``mismatch``: how likely numbers so uneven are; ``sound``: likely enough.

    ``winner``: the side that is better than every other beyond doubt, by the stopping rule; None where nobody can say so yet.
    ``needed``: customers on each side to see an ``effect``, by one look at the end; None where nobody converted yet.
    """

    of: str
    baseline: str
    sides: list[Side]
    mismatch: float
    sound: bool
    winner: str | None
    needed: dict[str, int] | None


class Plan(NamedTuple):
    """A comparison as the playbook has it: per side the share, in per cent, the baseline first: of variants the first by name."""

    of: str
    shares: tuple[tuple[str, float], ...]


def plans_of(playbook: Playbook) -> list[Plan]:
    """None where the playbook has no goal."""
    if playbook.goal is None:
        return []
    held_out = 100 * part_of_one(playbook.enter.holdout or "0%")
    plans = [Plan(HOLDOUT, ((HOLDOUT, held_out), (TREATED, 100 - held_out)))] if held_out > 0 else []
    for placed in place_steps(playbook):
        if isinstance(placed.step, SplitStep):
            shares = tuple(sorted((name, arm.share) for name, arm in placed.step.split.items()))
            plans.append(Plan(placed.id, shares))
    return plans


def is_same(plan: Plan, one: Playbook, other: Playbook) -> bool:
    """Whether both ask the same question of the same sides: what was counted in either may be counted together."""
    return one.goal == other.goal and plan in plans_of(one) and plan in plans_of(other)


def goal_of(playbook: Playbook) -> str:
    goal = playbook.goal
    return "" if goal is None else goal.event if isinstance(goal, EventGoal) else goal.when


def compare(plan: Plan, counts: Iterable[TrialCount], effect: float) -> Comparison:
    """``counts``: of customers who were compared by this plan, and of others, who are passed over."""
    found = _sides(plan, counts)
    shares = dict(plan.shares)
    baseline = plan.shares[0][0]
    likely = mismatch([found[name][0].total for name in shares], list(shares.values()))
    sound = likely >= MISMATCH_AT
    return Comparison(
        of=plan.of,
        baseline=baseline,
        sides=[_side(name, shares[name], found, baseline) for name in shares],
        mismatch=likely,
        sound=sound,
        winner=_winner({name: share for name, (share, _) in found.items()}) if sound else None,
        needed=_needed(shares, baseline, found[baseline][0], effect),
    )


def _sides(plan: Plan, counts: Iterable[TrialCount]) -> dict[str, tuple[Share, int]]:
    """By name the conversions, and how many may still follow."""
    found = {name: (Share(0, 0), 0) for name, _ in plan.shares}
    for count in counts:
        name = _side_of(plan, count)
        if name in found:
            share, still_open = found[name]
            found[name] = (
                Share(share.hits + count.converted, share.total + count.customers),
                still_open + count.open,
            )
    return found


def _side_of(plan: Plan, count: TrialCount) -> str:
    """A split compares those who came to it; whoever is held out never does."""
    if plan.of == HOLDOUT:
        return HOLDOUT if count.held_out else TREATED
    return count.variants.get(plan.of, "")


def _side(name: str, share: float, found: Mapping[str, tuple[Share, int]], baseline: str) -> Side:
    own, still_open = found[name]
    other = found[baseline][0]
    interval = share_interval(own)
    against = name != baseline
    alpha = ALPHA / (len(found) - 1) if len(found) > 1 else ALPHA
    return Side(
        name=name,
        share=share,
        customers=own.total,
        converted=own.hits,
        open=still_open,
        rate=own.value,
        low=interval.low,
        high=interval.high,
        difference=difference_interval(own, other) if against else None,
        lift=relative_lift(own, other) if against else None,
        always_valid=always_valid_interval(own, other, alpha) if against else None,
    )


def _winner(sides: Mapping[str, Share]) -> str | None:
    """Better than each other one, at 95 % for all comparisons between them together (Bonferroni)."""
    pairs = list(combinations(sides, 2))
    if not pairs:
        return None
    best = max(sides, key=lambda name: sides[name].value or 0.0)
    others = (share for name, share in sides.items() if name != best)
    beyond = all(always_valid_interval(sides[best], other, ALPHA / len(pairs)).low > 0 for other in others)
    return best if beyond else None


def _needed(shares: Mapping[str, float], baseline: str, base: Share, effect: float) -> dict[str, int] | None:
    if not base.hits or shares[baseline] <= 0:
        return None
    needed = {baseline: 0}
    for name, share in shares.items():
        if name != baseline and share > 0:
            sizes = sample_size(base.hits / base.total, effect, share / shares[baseline])
            if sizes is None:
                return None
            needed[baseline] = max(needed[baseline], sizes[0])
            needed[name] = sizes[1]
    return needed
