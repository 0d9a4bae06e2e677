"""`perennia stages ...`: a person's hand on where a customer stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from perennia.cli.customer_commands import say_answer
from perennia.cli.dates import instant_of
from perennia.cli.options import HERE, AsJson, Customer, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.core.json_values import JsonObject
from perennia.installation import Installation, OrderAnswer, StageWord

stages = typer.Typer(help="Sets the stage of a customer by hand, or locks it.", no_args_is_help=True)

Track = Annotated[str, typer.Argument(help="The track's id.")]


def register(app: typer.Typer) -> None:
    app.add_typer(stages, name="stages")


@stages.command("set")
def set_(
    customer: Customer,
    track: Track,
    stage: Annotated[str, typer.Argument(help="The stage's id.")],
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Sets the stage, which holds until some criterion's truth changes; ends a lock."""
    _order("stage", customer, {"track": track, "stage": stage}, None, workspace, url, data, as_json=as_json)


@stages.command()
def lock(
    customer: Customer,
    track: Track,
    until: Annotated[
        str | None, typer.Option(help="Until this day or instant; without it, for good.", metavar="DATE")
    ] = None,
    why: Annotated[str | None, typer.Option(help="For whoever looks later.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Keeps the customer in the stage where it stands: no criterion and no step moves it."""
    _order("stage/lock", customer, {"track": track, "why": why}, until, workspace, url, data, as_json=as_json)


@stages.command()
def unlock(
    customer: Customer,
    track: Track,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Lets the customer move again, and looks at once where it belongs."""
    _order("stage/unlock", customer, {"track": track}, None, workspace, url, data, as_json=as_json)


def _order(
    word: StageWord,
    customer: str,
    body: JsonObject,
    until: str | None,
    workspace: Path,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    """``until``: as written; a day is midnight in the customer's zone."""

    async def order(at: Installation) -> OrderAnswer:
        if until is None:
            return await at.order_stage(customer, word, {**body, "by": who()})
        zone = ZoneInfo((await at.customer(customer)).timezone)
        instant = instant_of("--until", until, zone).isoformat()
        return await at.order_stage(customer, word, {**body, "until": instant, "by": who()})

    say_answer(ask(workspace, url, data, order), as_json=as_json)
