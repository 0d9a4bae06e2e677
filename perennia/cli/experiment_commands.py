"""`perennia experiment ...`: what holdouts and variants came to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.experiment_answers import Between, Compared, Experiment, ExperimentSide, Growth, playbook_experiment

experiment = typer.Typer(
    help="Compares whom a playbook treats with whom it holds out, and variants.", no_args_is_help=True
)
HEAD = ("", "CUSTOMERS", "CONVERTED", "RATE (95 %)", "DIFFERENCE (95 %)", "LIFT (95 %)", "AT ANY LOOK")

Effect = Annotated[
    str,
    typer.Option("--effect", help="A growth of the baseline: how many customers it takes to see it.", metavar="SHARE"),
]


def register(app: typer.Typer) -> None:
    app.add_typer(experiment, name="experiment")


@experiment.callback()
def experiments() -> None:
    """Compares whom a playbook treats with whom it holds out, and variants."""


@experiment.command()
def report(
    name: Annotated[
        str, typer.Argument(metavar="PLAYBOOK[/STEP]", help="The playbook; one of its splits, or `/holdout`, alone.")
    ],
    effect: Effect = "20%",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Who entered from then on (UTC).")
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Shows conversions to a playbook's goal, of whom it treats and whom it holds out, and of each split's variants."""
    playbook, _, step = name.partition("/")
    from_then = None if since is None else since.replace(tzinfo=UTC)
    show_experiment(
        ask(workspace, url, data, lambda at: playbook_experiment(at, playbook, effect, from_then)),
        step,
        as_json=as_json,
    )


def show_experiment(found: Experiment, step: str = "", *, as_json: bool) -> None:
    """``step``: only the comparison of this name."""
    meant = [each for each in found.comparisons if step in ("", each.of)]
    if not meant:
        known = ", ".join(each.of for each in found.comparisons)
        raise CommandError(f"{found.playbook} compares nothing at {step!r}", f"it does at: {known}", Exit.REFUSED)
    if as_json:
        say_json(msgspec.structs.replace(found, comparisons=meant))
        return
    since = "nobody has entered yet" if found.since is None else f"entered since {found.since:%Y-%m-%d}"
    say(f"{found.playbook}: goal {found.goal}, within {found.within} from entry; {since}", "bold")
    for each in meant:
        say("")
        _show(each, found)
    say("")
    say(f"AT ANY LOOK: {found.stopping_rule}")


def _show(compared: Compared, found: Experiment) -> None:
    say(f"{compared.of} (against {compared.baseline})")
    say_table(HEAD, [_row(side) for side in compared.sides])
    for line, style in _verdict(compared, found.effect):
        say(f"  {line}", style)


def _row(side: ExperimentSide) -> tuple[str, ...]:
    rate = "" if side.rate is None else f"{side.rate:.2%} ({side.low:.2%} to {side.high:.2%})"
    lift = "" if side.lift is None else f"{side.lift.value:+.1%} {_between(side.lift, 1)}"
    return (
        side.name,
        f"{side.customers:,}",
        f"{side.converted:,}",
        rate,
        _points(side.difference),
        lift,
        _points(side.always_valid),
    )


def _points(between: Between | None) -> str:
    return "" if between is None or between.low <= -1 else _between(between, 2)


def _between(between: Between | Growth, digits: int) -> str:
    return f"({between.low:+.{digits}%} to {between.high:+.{digits}%})"


def _verdict(compared: Compared, effect: float) -> Iterator[tuple[str, str | None]]:
    if not compared.sound:
        yield (
            f"the sides are not as large as their shares say (p = {compared.mismatch:.1g}): do not trust the result; "
            "look for what lets customers of one side in or out",
            "red",
        )
    elif compared.winner is not None:
        yield f"{compared.winner} is better beyond doubt", "green"
    else:
        yield "no difference beyond doubt yet", None
    still = sum(side.open for side in compared.sides)
    if still:
        yield f"{still:,} customers may still reach the goal in time", None
    if compared.needed is not None:
        sizes = ", ".join(f"{count:,} {name}" for name, count in compared.needed.items())
        yield f"to see {effect:+.0%}, if one looked once at the end (power 80 %): {sizes}", None
