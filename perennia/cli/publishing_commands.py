"""Commands about revisions: what a publish would do, publish, what there was, go back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from perennia.catalog import load_workspace, release
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url, who
from perennia.cli.options import Workspace as WorkspaceFolder
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.cli.workspace_commands import refuse
from perennia.installation import Installation, Mode, PlaybookPlan
from perennia.publishing import publish_documents
from perennia.store.records import Revision

Migrate = Annotated[
    list[str] | None,
    typer.Option("--migrate", metavar="PLAYBOOK", help="People in former versions go on in the new one."),
]
EndThem = Annotated[
    list[str] | None, typer.Option("--exit", metavar="PLAYBOOK", help="People in former versions are ended.")
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="[PLAYBOOK:]OLD=NEW", help="Where people at a removed step go; else they are ended."),
]
Expect = Annotated[
    str | None,
    typer.Option(metavar="REVISION", help="Refuse if another revision is current: say which one the plan was made on."),
]


def register(app: typer.Typer) -> None:
    for command in (plan, publish, revisions, rollback):
        app.command()(command)


def plan(
    workspace: WorkspaceFolder = HERE,
    migrate: Migrate = None,
    end: EndThem = None,
    map_: Map = None,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Says what publishing the workspace would do to whom, counted over everybody in flight; changes nothing."""
    loaded = load_workspace(workspace)
    refuse(loaded, loaded.errors, "not planned")
    documents = release(loaded).documents
    modes = modes_of(migrate, end, map_)

    planned = ask(workspace, url, data, lambda at: at.plan(documents, modes))
    if as_json:
        say_json(planned)
        return
    for one in planned.playbooks:
        _say_plan(one)
    for other in planned.others:
        say(f"changed  {other}")
    if not planned.playbooks and not planned.others:
        say("nothing would change", "bold")
        return
    say(f"{planned.concerned} customers would be brought to the new revision at once")
    if planned.revision is not None:
        say(
            f"planned on revision {planned.revision.number}; to publish just this: --expect {planned.revision.id}",
            "bold",
        )


def publish(
    workspace: WorkspaceFolder = HERE,
    migrate: Migrate = None,
    end: EndThem = None,
    map_: Map = None,
    expect: Expect = None,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Checks the workspace and makes it the installation's current revision. People in flight stay in their versions."""
    loaded = load_workspace(workspace)
    refuse(loaded, loaded.errors, "not published")
    released = release(loaded)
    modes = modes_of(migrate, end, map_)

    publication = ask(workspace, url, data, lambda at: publish_documents(at, released.documents, who(), modes, expect))
    if as_json:
        say_json(publication)
        return
    for change in publication.changes:
        say(f"{change.what:8} {change.kind} {change.id}")
    state = "published" if publication.changes or modes else "nothing has changed: still"
    say(f"{state} revision {publication.revision.number} ({publication.revision.id})", "bold")


def revisions(
    workspace: WorkspaceFolder = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
) -> None:
    """Lists revisions, newest first: who published when, what was ordered for people in flight, how far each has come."""
    found = ask(workspace, url, data, lambda at: at.revisions(limit))
    if as_json:
        say_json(found)
        return
    rows = [
        (
            str(one.revision.number),
            one.revision.id,
            f"{one.revision.published_at:%Y-%m-%d %H:%M}",
            one.revision.published_by,
            ", ".join(f"{order.word} {order.playbook}" for order in one.orders),
            str(one.reached) + ("" if one.reached_at else " so far"),
        )
        for one in found
    ]
    say_table(("NUMBER", "REVISION", "PUBLISHED (UTC)", "BY", "ORDERED", "REACHED"), rows)


def rollback(
    revision: Annotated[str, typer.Argument(help="Its number or id: perennia revisions.")],
    workspace: WorkspaceFolder = HERE,
    migrate: Migrate = None,
    end: EndThem = None,
    map_: Map = None,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Makes what a former revision consisted of current again, as a new revision."""
    modes = modes_of(migrate, end, map_)

    async def roll_back(installation: Installation) -> Revision:
        return await installation.roll_back(revision, await _current(installation), who(), modes)

    made = ask(workspace, url, data, roll_back)
    if as_json:
        say_json(made)
    else:
        say(f"published revision {made.number} ({made.id}), which is revision {revision} again", "bold")


async def _current(installation: Installation) -> str:
    before = await installation.revision()
    if before is None:
        raise CommandError("nothing is published yet", "run `perennia publish`")
    return before.id


def modes_of(migrate: Sequence[str] | None, end: Sequence[str] | None, maps: Sequence[str] | None) -> list[Mode]:
    """What the options say of people in flight. A map without a playbook is for all that are migrated."""
    moving = list(dict.fromkeys(migrate or ()))
    found: dict[str, dict[str, str]] = {playbook: {} for playbook in moving}
    for each in maps or ():
        playbook, colon, pair = each.rpartition(":")
        old, equals, new = pair.partition("=")
        if not (old and equals and new) or (colon and playbook not in found) or not found:
            remedy = "write --migrate PLAYBOOK --map OLD=NEW, or --map PLAYBOOK:OLD=NEW where several are migrated"
            raise CommandError(f"--map {each!r} is no map of a playbook that is migrated", remedy, Exit.USAGE)
        for name in [playbook] if colon else moving:
            found[name][old] = new
    ended = [Mode(playbook, "exit") for playbook in dict.fromkeys(end or ())]
    return [*(Mode(playbook, "migrate", found[playbook]) for playbook in moving), *ended]


def _say_plan(one: PlaybookPlan) -> None:
    """A playbook in a few lines: what changes of it, and what becomes of whom."""
    say(f"{one.what:8} playbook {one.playbook} ({one.mode})", "bold")
    steps = one.steps
    for word, ids in (("added", steps.added), ("changed", steps.changed), ("removed", steps.removed)):
        if ids:
            say(f"    {word}: {', '.join(ids)}")
    if steps.keys:
        say(f"    also changed: {', '.join(steps.keys)}")
    people = one.people
    if people.stays:
        say(f"    {people.stays} stay in the version they began with")
    for where, count in people.moves.items():
        say(f"    {count} move {where}")
    if people.retimed:
        say(f"    {people.retimed} of them wait until another instant")
    if people.released:
        say(f"    {people.released} of them go on at once")
    for reason, count in people.ended.items():
        say(f"    {count} are ended: {reason}")
