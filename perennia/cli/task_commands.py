"""`perennia tasks ...`: work that playbooks opened for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table

tasks = typer.Typer(help="Lists and ends tasks that playbooks opened for people.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(tasks, name="tasks")


Key = Annotated[str, typer.Argument(help="The task's key, as `perennia tasks list` shows it.")]
Result = Annotated[str | None, typer.Option(help="What came of it; playbooks can read it.")]


@tasks.command("list")
def list_tasks(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    customer: Annotated[str | None, typer.Option(help="Only those about this customer.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
) -> None:
    """Lists open tasks."""
    found = ask(workspace, url, data, lambda at: at.tasks(customer, None if everything else "open"))
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one.key,
            one.status,
            one.external_id,
            one.title,
            one.assignee or "",
            f"{one.due:%Y-%m-%d %H:%M}" if one.due else "",
        )
        for one in found
    ]
    say_table(("KEY", "STATUS", "CUSTOMER", "TITLE", "ASSIGNEE", "DUE (UTC)"), rows)


@tasks.command()
def done(
    key: Key,
    result: Result = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Marks a task as done."""
    _end("done", key, result, workspace, url, data, as_json=as_json)


@tasks.command()
def cancel(
    key: Key,
    result: Result = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Cancels a task."""
    _end("cancelled", key, result, workspace, url, data, as_json=as_json)


def _end(
    outcome: Literal["done", "cancelled"],
    key: str,
    result: str | None,
    workspace: Path,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    answer = ask(workspace, url, data, lambda at: at.end_task(key, outcome, result, who()))
    if as_json:
        say_json(answer)
    else:
        say(f"{outcome}: {key}")
