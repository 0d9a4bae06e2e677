"""`perennia endpoints ...`: other systems that are told what happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.outbound_answers import (
    EndpointAnswer,
    NewEndpoint,
    add_endpoint,
    endpoint_log,
    replay_endpoint,
    rotate_endpoint,
    switch_endpoint,
    try_endpoint,
)
from perennia.outbound_answers import endpoints as endpoints_of

endpoints = typer.Typer(help="Other systems that are told what happens, by signed webhooks.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(endpoints, name="endpoints")


EndpointId = Annotated[str, typer.Argument(help="The endpoint's id, as `perennia endpoints list` shows it.")]


@endpoints.command()
def add(
    address: Annotated[str, typer.Argument(help="The URL that events are posted to.")],
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Which events; may be given several times. Without it, all.")
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    tell: Annotated[str | None, typer.Option(help="The team's channel that hears when it is disabled.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Adds an endpoint and shows its secret, with which the receiver checks signatures."""
    made = ask(workspace, url, data, lambda at: add_endpoint(at, address, name, type_ or [], tell, who()))
    _show_once(made, as_json=as_json)


@endpoints.command("list")
def list_(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Lists all endpoints and how each stands."""
    found = ask(workspace, url, data, endpoints_of)
    if as_json:
        say_json(found)
        return
    rows = [(each.id, each.name, each.url, " ".join(each.types) or "all", _standing(each)) for each in found]
    say_table(("ID", "NAME", "URL", "TYPES", "STANDS"), rows)


@endpoints.command("test")
def try_(
    endpoint: EndpointId, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Has an event of type endpoint.test posted to it; the log says what became of it."""
    event = ask(workspace, url, data, lambda at: try_endpoint(at, endpoint, who()))
    if as_json:
        say_json({"event": event})
    else:
        say(f"{event} is posted now; see `perennia endpoints log {endpoint}`")


@endpoints.command()
def disable(
    endpoint: EndpointId, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Posts nothing more to it, and keeps nothing new for it."""
    _switch(endpoint, "disable", workspace, url, data, as_json=as_json)


@endpoints.command()
def enable(
    endpoint: EndpointId, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Tells it again what happens, and now what waits for it."""
    _switch(endpoint, "enable", workspace, url, data, as_json=as_json)


def _switch(
    endpoint: str,
    word: Literal["enable", "disable"],
    workspace: Workspace,
    url: Url,
    data: Data,
    *,
    as_json: bool,
) -> None:
    switched = ask(workspace, url, data, lambda at: switch_endpoint(at, endpoint, word, who()))
    if as_json:
        say_json(switched)
    else:
        say(f"{switched.id} ({switched.url}) is {_standing(switched)}")


@endpoints.command()
def rotate(
    endpoint: EndpointId,
    keep_hours: Annotated[
        int, typer.Option("--keep-hours", min=0, max=720, help="How long the former secret signs beside the new one.")
    ] = 24,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Gives it a new secret and shows it; for a day both sign, so that the receiver can go over."""
    made = ask(workspace, url, data, lambda at: rotate_endpoint(at, endpoint, keep_hours, who()))
    _show_once(made, as_json=as_json)


@endpoints.command()
def replay(
    endpoint: EndpointId,
    event: Annotated[str | None, typer.Option(help="This event alone, by its id.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="All that happened since then (UTC), like 2026-03-02T10:00:00.")
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Posts again what happened since then, or one event. What happened is kept for 30 days."""
    if (event is None) == (since is None):
        raise CommandError("say either --event or --since", "see `perennia endpoints replay --help`", Exit.USAGE)
    from_ = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
    count = ask(workspace, url, data, lambda at: replay_endpoint(at, endpoint, event, from_, who()))
    if as_json:
        say_json({"events": count})
    else:
        say(f"{count} event{'' if count == 1 else 's'} to be posted again")


@endpoints.command()
def log(
    endpoint: EndpointId,
    status: Annotated[str | None, typer.Option(help="Only those waiting, delivered or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Lists what it was told and is about to be, the last first."""
    found = ask(workspace, url, data, lambda at: endpoint_log(at, endpoint, limit, status))
    if as_json:
        say_json(found)
        return
    rows = [
        (
            _time(each.at),
            each.type,
            each.event,
            each.status,
            str(each.attempts),
            each.last_error or "",
            _time(each.next_at),
        )
        for each in found
    ]
    say_table(("HAPPENED (UTC)", "TYPE", "EVENT", "STATUS", "ATTEMPTS", "SAID", "NEXT (UTC)"), rows)


def _show_once(made: NewEndpoint, *, as_json: bool) -> None:
    if as_json:
        say_json(made)
        return
    wants = ", ".join(made.endpoint.types) or "all that happens"
    say(f"{made.endpoint.id} ({made.endpoint.url}) is told of {wants}")
    say("Its secret, which is shown this once:")
    say(made.secret)


def _standing(endpoint: EndpointAnswer) -> str:
    if endpoint.disabled_at is not None:
        return f"disabled since {_time(endpoint.disabled_at)}: {endpoint.disabled_why}"
    return "told" if endpoint.failing_since is None else f"told, failing since {_time(endpoint.failing_since)}"


def _time(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M:%S}"
