"""What a comparison says of its sides: who is better beyond doubt, and when it says nothing."""

from __future__ import annotations

import msgspec
import pytest

from perennia.api.experiments import ComparisonView, ExperimentView
from perennia.cli.exits import CommandError
from perennia.cli.experiment_commands import show_experiment
from perennia.experiment_answers import Experiment
from perennia.experiments.reporting import HOLDOUT, STOPPING_RULE, TREATED, Plan, compare
from perennia.store.trial_records import TrialCount

HELD_OUT = Plan(HOLDOUT, ((HOLDOUT, 10.0), (TREATED, 90.0)))
OFFER = Plan("offer", (("discount", 50.0), ("plain", 50.0)))


def counted(customers: int, converted: int, variant: str | None = None, *, held_out: bool = False) -> TrialCount:
    variants = {} if variant is None else {"offer": variant}
    return TrialCount(held_out=held_out, variants=variants, customers=customers, converted=converted, open=0)


COUNTS = [
    counted(510, 40, held_out=True),
    counted(2200, 260, "plain"),
    counted(2250, 380, "discount"),
    counted(40, 0),  # they left before they came to the split
]


def test_a_side_that_is_better_at_every_look_is_named() -> None:
    assert [compare(plan, COUNTS, 0.2).winner for plan in (HELD_OUT, OFFER)] == [TREATED, "discount"]


def test_whoever_did_not_come_to_a_split_is_on_the_treated_side_and_in_no_variant() -> None:
    treated = {side.name: side.customers for side in compare(HELD_OUT, COUNTS, 0.2).sides}
    variants = {side.name: side.customers for side in compare(OFFER, COUNTS, 0.2).sides}
    assert (treated, variants) == ({HOLDOUT: 510, TREATED: 4490}, {"discount": 2250, "plain": 2200})


def test_a_difference_that_one_look_would_call_certain_is_none_yet() -> None:
    found = compare(OFFER, [counted(1000, 100, "plain"), counted(1000, 130, "discount")], 0.2)
    plain = found.sides[1]
    assert plain.difference is not None
    assert plain.difference.high < 0
    assert found.winner is None


def test_sides_that_are_not_as_large_as_they_should_be_have_no_winner() -> None:
    found = compare(OFFER, [counted(2000, 100, "plain"), counted(2600, 500, "discount")], 0.2)
    assert (found.sound, found.winner) == (False, None)


def test_many_variants_must_be_beyond_doubt_together() -> None:
    """Of two sides the same numbers are enough."""
    counts = [counted(1500, 150, "a"), counted(1500, 214, "b")]
    two = compare(Plan("offer", (("a", 50.0), ("b", 50.0))), counts, 0.2)
    four = Plan("offer", tuple((name, 25.0) for name in "abcd"))
    others = [*counts, counted(1500, 150, "c"), counted(1500, 150, "d")]
    assert (two.winner, compare(four, others, 0.2).winner) == ("b", None)


def shown(capsys: pytest.CaptureFixture[str], step: str) -> str:
    compared = [ComparisonView.model_validate(compare(plan, COUNTS, 0.2)) for plan in (HELD_OUT, OFFER)]
    view = ExperimentView(
        playbook="win-back",
        goal="Bought",
        within="30d",
        since=None,
        effect=0.2,
        stopping_rule=STOPPING_RULE,
        comparisons=compared,
    )
    show_experiment(msgspec.json.decode(view.model_dump_json(), type=Experiment), step, as_json=False)
    return capsys.readouterr().out


def test_one_comparison_is_shown_alone_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, "offer")
    assert "discount is better beyond doubt" in said
    assert "treated" not in said


def test_a_comparison_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="compares nothing at 'ofer'"):
        shown(capsys, "ofer")
