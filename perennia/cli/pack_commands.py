"""`perennia new` and `perennia packs ...`: definitions to begin with."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from perennia.catalog import load_workspace
from perennia.catalog.packs import install, lacking_topics, list_packs
from perennia.catalog.scaffolding import scaffold, write_scaffold
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Playbook
from perennia.cli.speech import say, say_json, say_table
from perennia.shipped import shipped_workspace

packs = typer.Typer(help="Lists the packs that ship and puts them into a workspace.", no_args_is_help=False)
# A folder that is no workspace yet may become one.
Folder = Annotated[
    Path,
    typer.Option("--workspace", "-w", envvar="PERENNIA_WORKSPACE", help="Where to.", file_okay=False, metavar="DIR"),
]


def register(app: typer.Typer) -> None:
    app.command()(new)
    app.add_typer(packs, name="packs")


def new(playbook: Playbook, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Writes a playbook with templates and scenarios that pass `check` and `test`, to begin with. Overwrites nothing."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", playbook):
        raise CommandError(f'"{playbook}" is no id', "use lower-case letters, digits, - and _", Exit.USAGE)
    policies = load_workspace(workspace).policies
    topic = None if policies is None else next(iter(policies.topics), None)
    if policies is not None and topic is None:
        raise CommandError("the policies have no topic", "give them one: a message needs it", Exit.FINDINGS)
    files = scaffold(playbook, topic)
    taken = write_scaffold(workspace, files)
    if taken:
        raise CommandError(f"{taken[0]} exists already", "choose another id", Exit.REFUSED)
    if as_json:
        say_json({"written": list(files)})
        return
    for path in files:
        say(f"written  {path}")
    say("now: perennia check && perennia test")


@packs.callback(invoke_without_command=True)
def packs_alone(context: typer.Context) -> None:
    """Lists the packs that ship and puts them into a workspace."""
    if context.invoked_subcommand is None:
        show_packs(as_json=False)


@packs.command("list")
def show_packs(as_json: AsJson = False) -> None:
    """Lists the packs that ship, with what is in them."""
    found = list_packs(shipped_workspace())
    if as_json:
        say_json([asdict(pack) for pack in found])
        return
    say_table(("PACK", "DEFINES"), [(pack.name, ", ".join(pack.definitions)) for pack in found])
    say()
    say("put one into your workspace: perennia packs add NAME")


@packs.command("add")
def add_pack(
    name: Annotated[str, typer.Argument(help="As `perennia packs` lists it.")],
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Puts a pack into the workspace, with the packs it refers to. What you changed is kept."""
    shipped = shipped_workspace()
    known = {pack.name: pack for pack in list_packs(shipped)}
    if name not in known:
        raise CommandError(f'no pack "{name}"', f"there are {', '.join(known)}", Exit.USAGE)
    if workspace.resolve() == shipped.resolve():
        raise CommandError("this is the workspace that ships", "name yours with --workspace DIR", Exit.USAGE)
    done = install(shipped, workspace, name, known)
    if load_workspace(workspace).policies is None:
        (workspace / "playbooks/policies.yaml").write_bytes((shipped / "playbooks/policies.yaml").read_bytes())
        done.written.append("playbooks/policies.yaml")
    events = sorted({event for pack in done.packs for event in known[pack].events})
    traits = sorted({trait for pack in done.packs for trait in known[pack].traits})
    if as_json:
        say_json({**asdict(done), "events": events, "traits": traits})
        return
    for path in done.written:
        say(f"written    {path}")
    for path in done.kept:
        say(f"kept       {path} (you changed it)", "yellow")
    say(
        f"{', '.join(done.packs)}: {len(done.written)} files written, {len(done.unchanged)} as they were, {len(done.kept)} kept"
    )
    for topic, text in lacking_topics(shipped, workspace).items():
        say(f"add to the topics of your policies:  {topic}: {text}", "yellow")
    say(f"needs the events: {', '.join(events) or 'none'}")
    say(f"reads the traits: {', '.join(traits) or 'none'}")
    say("now: perennia check --store says what of that your data has; perennia test runs its scenarios")
