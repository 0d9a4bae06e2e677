"""`perennia tasks ...`: work that playbooks opened for people; `perennia team ...`: who they are, and who is away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from perennia.cli.dates import instant_of
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.core.json_values import JsonObject
from perennia.installation import TaskWord
from perennia.store.records import Task
from perennia.task_answers import TaskDetail

UTC_ZONE = ZoneInfo("UTC")

tasks = typer.Typer(
    help="Lists, gives, puts aside and ends tasks that playbooks opened for people.", no_args_is_help=True
)
team = typer.Typer(help="Shows the people whom tasks go to, and says who is away.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(tasks, name="tasks")
    app.add_typer(team, name="team")


Key = Annotated[str, typer.Argument(help="The task's key, as `perennia tasks list` shows it.")]
Result = Annotated[str | None, typer.Option(help="What came of it; playbooks can read it.")]
Somebody = Annotated[str, typer.Argument(help="A person's id, as `perennia team list` shows it.")]
Priority = Literal["low", "normal", "high", "urgent"]


# --- tasks ------------------------------------------------------------------------------------------------------------


@tasks.command("list")
def list_tasks(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    customer: Annotated[str | None, typer.Option(help="Only those about this customer.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only those of this person or team.")] = None,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only those that nobody has.")] = False,
    playbook: Annotated[str | None, typer.Option(help="Only those that this playbook opened.")] = None,
    priority: Annotated[Priority | None, typer.Option(help="Only those of this priority.")] = None,
    due_by: Annotated[
        str | None, typer.Option(help="Only those due on this day or instant (UTC), or before.", metavar="DATE")
    ] = None,
    awake: Annotated[bool, typer.Option("--awake", help="Without those that are put aside.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
) -> None:
    """Lists open tasks, the last opened first."""
    due = None if due_by is None else instant_of("--due-by", due_by, UTC_ZONE).isoformat()
    wanted = {
        "customer": customer,
        "status": None if everything else "open",
        "assignee": "" if unassigned else assignee,
        "playbook": playbook,
        "priority": priority,
        "due_by": due,
        "snoozed": False if awake else None,
    }
    found = ask(workspace, url, data, lambda at: at.tasks(**wanted))
    if as_json:
        say_json(found)
        return
    columns = ("KEY", "STATUS", "CUSTOMER", "TITLE", "ASSIGNEE", "PRIORITY", "DUE (UTC)")
    say_table(columns, [_row(one) for one in found])


def _row(task: Task) -> tuple[str, ...]:
    due = f"{task.due:%Y-%m-%d %H:%M}" if task.due else ""
    return task.key, task.status, task.external_id, task.title, task.assignee or "", task.priority, due


@tasks.command()
def show(key: Key, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Shows a task and what happened to it."""
    _tell(ask(workspace, url, data, lambda at: at.task(key)), as_json=as_json)


@tasks.command()
def take(
    key: Key,
    by: Annotated[str | None, typer.Option("--as", help="Who takes it, where that is not your name here.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Gives a task to yourself."""
    me = by or who().removeprefix("cli:")
    _change(key, "assign", {"to": me}, workspace, url, data, as_json=as_json)


@tasks.command()
def assign(
    key: Key,
    to: Annotated[str | None, typer.Argument(help="A person, or a team; without it, nobody.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Gives a task to somebody else, or to a team, which picks one of its people."""
    _change(key, "assign", {"to": to}, workspace, url, data, as_json=as_json)


@tasks.command()
def snooze(
    key: Key,
    until: Annotated[
        str | None, typer.Option(help="Until this day or instant (UTC); without it, no longer.", metavar="DATE")
    ] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Puts a task aside. It stays due when it is due."""
    instant = None if until is None else instant_of("--until", until, UTC_ZONE).isoformat()
    _change(key, "snooze", {"until": instant}, workspace, url, data, as_json=as_json)


@tasks.command()
def comment(
    key: Key,
    text: Annotated[str, typer.Argument(help="What there is to say of it.")],
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Says something of a task, also of one that has ended."""
    _change(key, "comment", {"text": text}, workspace, url, data, as_json=as_json)


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


def _change(
    key: str,
    word: TaskWord,
    told: JsonObject,
    workspace: Path,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    _tell(ask(workspace, url, data, lambda at: at.change_task(key, word, told, who())), as_json=as_json)


def _tell(found: TaskDetail, *, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    task = found.task
    say(f"{task.title} ({task.status}, {task.priority})")
    say(f"  customer  {task.external_id}")
    say(f"  assignee  {task.assignee or 'nobody'}")
    if task.due is not None:
        say(f"  due       {task.due:%Y-%m-%d %H:%M} UTC")
    if task.snoozed_until is not None:
        say(f"  aside     until {task.snoozed_until:%Y-%m-%d %H:%M} UTC")
    for line in (task.body or "").splitlines():
        say(f"  {line}")
    for note in found.notes:
        say(f"  {note.at:%Y-%m-%d %H:%M}  {note.by} {note.act}{f': {note.text}' if note.text else ''}")


# --- the team ---------------------------------------------------------------------------------------------------------


@team.command("list")
def list_team(workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None) -> None:
    """Lists the people whom tasks go to (`people` in the policies), and what each has to do."""
    members = ask(workspace, url, data, lambda at: at.team())
    if as_json:
        say_json(members)
        return
    rows = [
        (
            one.id,
            one.name or "",
            " ".join(one.teams),
            str(one.open_tasks),
            ", ".join(f"{each.start:%Y-%m-%d %H:%M} to {each.end:%Y-%m-%d %H:%M}" for each in one.away),
        )
        for one in members
    ]
    say_table(("PERSON", "NAME", "TEAMS", "OPEN TASKS", "AWAY (UTC)"), rows)


@team.command()
def away(
    person: Somebody,
    until: Annotated[str, typer.Option(help="Back on this day or at this instant (UTC).", metavar="DATE")],
    since: Annotated[
        str | None, typer.Option("--from", help="Away from then on; without it, from now.", metavar="DATE")
    ] = None,
    stand_in: Annotated[str | None, typer.Option(help="Who gets their tasks meanwhile.", metavar="PERSON")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Says that somebody is away: no team gives them a task, and theirs go to whoever stands in."""
    told: JsonObject = {"end": instant_of("--until", until, UTC_ZONE).isoformat(), "stand_in": stand_in}
    if since is not None:
        told["start"] = instant_of("--from", since, UTC_ZONE).isoformat()
    absence = ask(workspace, url, data, lambda at: at.set_away(person, told, who()))
    if as_json:
        say_json(absence)
    else:
        say(f"{person} is away from {absence.start:%Y-%m-%d %H:%M} to {absence.end:%Y-%m-%d %H:%M} UTC")


@team.command()
def back(person: Somebody, workspace: Workspace = HERE, url: Url = None, data: Data = None) -> None:
    """Says that somebody is back, or does not go."""
    ask(workspace, url, data, lambda at: at.set_back(person, who()))
    say(f"{person} is back")
