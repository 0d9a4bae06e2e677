"""`perennia publishing ...`: publishes that are still bringing customers to their revision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from perennia.cli.exits import CommandError
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.installation import Installation, Publishing

publishing = typer.Typer(help="Looks at and steers publishes that have not reached everybody.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(publishing, name="publishing")


Number = Annotated[
    int | None, typer.Argument(help="The revision's number; not needed where one is under way.", metavar="[NUMBER]")
]


@publishing.command()
def status(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Says how far each is, and how fast."""
    found = ask(workspace, url, data, lambda at: at.publishing())
    if as_json:
        say_json(found)
        return
    if not found:
        say("every revision has reached everybody whom it concerns")
        return
    rows = [(*_figures(one), one.revision.published_by) for one in found]
    say_table(("NUMBER", "REACHED", "LEFT", "A SECOND", "STATE", "BY"), rows)


@publishing.command()
def pause(
    number: Number = None, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Brings nobody more to the revision until it is resumed. Who publishes next is not held by that."""
    _steer(workspace, url, data, number, lambda at, one: at.steer_publishing(one, "pause", who()), as_json=as_json)


@publishing.command()
def resume(
    number: Number = None, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Goes on where it was paused."""
    _steer(workspace, url, data, number, lambda at, one: at.steer_publishing(one, "resume", who()), as_json=as_json)


@publishing.command()
def rate(
    customers: Annotated[int, typer.Argument(min=1, max=100_000, help="Customers a second.")],
    number: Number = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Brings so many customers a second to the revision from now on. The setting publish_rate is where each begins."""
    _steer(
        workspace, url, data, number, lambda at, one: at.change_publishing_rate(one, customers, who()), as_json=as_json
    )


def _steer(
    workspace: Path,
    url: str | None,
    data: Path | None,
    number: int | None,
    act: Callable[[Installation, int], Awaitable[Publishing]],
    *,
    as_json: bool,
) -> None:
    async def steer(at: Installation) -> Publishing:
        return await act(at, _only(await at.publishing()) if number is None else number)

    one = ask(workspace, url, data, steer)
    if as_json:
        say_json(one)
        return
    _, reached, left, a_second, state = _figures(one)
    say(f"revision {one.revision.number}: {state}, {a_second} a second; {reached} reached, {left} left")


def _only(under_way: Sequence[Publishing]) -> int:
    match under_way:
        case []:
            raise CommandError("no publish is under way", "`perennia revisions` says how far each has come")
        case [one]:
            return one.revision.number
        case _:
            numbers = ", ".join(str(one.revision.number) for one in under_way)
            raise CommandError(f"revisions {numbers} are under way", "say which one")


def _figures(one: Publishing) -> tuple[str, str, str, str, str]:
    state = "paused" if one.paused else "going on"
    known = one.paused is not None
    figures = (str(one.revision.number), str(one.reached), str(one.left))
    return (*figures, str(one.rate) if known else "?", state if known else "no worker answers")
