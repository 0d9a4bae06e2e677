"""`perennia new` and `perennia packs ...`: definitions to begin with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from perennia.catalog import Workspace, load_workspace
from perennia.catalog.pack_needs import Needs, needs_of
from perennia.catalog.packs import Pack, install, lacking_policies, list_packs
from perennia.catalog.scaffolding import scaffold, write_scaffold
from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Playbook
from perennia.cli.speech import say, say_json, say_table
from perennia.shipped import shipped_workspace

if TYPE_CHECKING:
    from perennia.cli.checking import Unseen

packs = typer.Typer(help="Lists the packs that ship and puts them into a workspace.", no_args_is_help=False)
# A folder that is no workspace yet may become one.
Folder = Annotated[
    Path,
    typer.Option("--workspace", "-w", envvar="PERENNIA_WORKSPACE", help="Where to.", file_okay=False, metavar="DIR"),
]
Name = Annotated[str, typer.Argument(help="As `perennia packs` lists it.")]
POLICIES = "playbooks/policies.yaml"


def register(app: typer.Typer) -> None:
    app.command()(new)
    app.add_typer(packs, name="packs")


def new(playbook: Playbook, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Writes a playbook with templates and scenarios that pass `check` and `test`, to begin with. Overwrites nothing."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", playbook):
        raise CommandError(f'"{playbook}" is no id', "use lower-case letters, digits, - and _", Exit.USAGE)
    shipped = shipped_workspace()
    own = load_workspace(workspace).policies
    policies = own or load_workspace(shipped).policies
    topic = None if policies is None else next(iter(policies.topics), None)
    if topic is None:
        raise CommandError("the policies have no topic", "give them one: a message needs it", Exit.FINDINGS)
    files = {} if own else {POLICIES: (shipped / POLICIES).read_text(encoding="utf-8")}
    files |= scaffold(playbook, topic)
    taken = write_scaffold(workspace, files)
    if taken:
        raise CommandError(f"{taken[0]} exists already", "choose another id", Exit.REFUSED)
    if as_json:
        say_json({"written": list(files)})
        return
    for path in files:
        say(f"written  {path}")
    if not own:
        say(f"put in your name, sender and postal address:  {POLICIES}", "yellow")
    say("now: perennia check && perennia test")


@packs.callback(invoke_without_command=True)
def packs_alone(context: typer.Context) -> None:
    """Lists the packs that ship and puts them into a workspace."""
    if context.invoked_subcommand is None:
        show_packs(as_json=False)


@packs.command("list")
def show_packs(as_json: AsJson = False) -> None:
    """Lists the packs that ship, with what is in them."""
    found = list_packs(load_workspace(shipped_workspace()))
    if as_json:
        say_json([asdict(pack) for pack in found])
        return
    say_table(("PACK", "WHAT IT DOES", "HOLDS"), [(pack.name, pack.description, _held(pack)) for pack in found])
    say()
    say("look into one: perennia packs show NAME; put it into your workspace: perennia packs add NAME")


@packs.command("show")
def show_pack(name: Name, as_json: AsJson = False) -> None:
    """Says what a pack does, what it needs, and what to change in it."""
    shipped = load_workspace(shipped_workspace())
    pack = _pack_named(name, list_packs(shipped))
    if as_json:
        say_json(asdict(pack))
        return
    say(f"{pack.title}. {pack.description}", "bold")
    say()
    say_table(("DEFINES", ""), list(_described(shipped, pack)))
    say()
    _say_needs(pack.needs)
    say()
    say(pack.advice)


@packs.command("ready")
def ready(name: Name, workspace: Folder = HERE, data: Data = None, as_json: AsJson = False) -> None:
    """Says which of the events and traits that a pack reads the installation has never seen. Exit code 1: it lacks some."""
    from perennia.cli.checking import unseen  # noqa: PLC0415 - loads the store's driver

    shipped = load_workspace(shipped_workspace())
    pack = _pack_named(name, list_packs(shipped))
    lacking = unseen(shipped, pack.sources, workspace, data)
    if as_json:
        say_json({"ready": not lacking, "lacks": [asdict(each) for each in lacking]})
    for each in [] if as_json else lacking:
        say(f"you lack the {each.kind} `{each.name}`{_of(each)}; read by {', '.join(each.readers)}", "yellow")
    if lacking:
        raise typer.Exit(Exit.FINDINGS)
    if not as_json:
        say(f"{name}: everything it reads has been seen")


@packs.command("add")
def add_pack(name: Name, workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Puts a pack into the workspace, with the packs it refers to. What you changed is kept."""
    shipped = load_workspace(shipped_workspace())
    found = list_packs(shipped)
    known = {pack.name: pack for pack in found}
    _pack_named(name, found)
    if workspace.resolve() == shipped.folder.resolve():
        raise CommandError("this is the workspace that ships", "name yours with --workspace DIR", Exit.USAGE)
    done = install(shipped.folder, workspace, name, known)
    loaded = load_workspace(workspace)
    first = loaded.policies is None
    if first:
        (workspace / POLICIES).write_bytes((shipped.folder / POLICIES).read_bytes())
        done.written.append(POLICIES)
    needs = needs_of(loaded, [path for pack in done.packs for path in known[pack].sources])
    if as_json:
        say_json({**asdict(done), **asdict(needs)})
        return
    for path in done.written:
        say(f"written    {path}")
    for path in done.kept:
        say(f"kept       {path} (you changed it)", "yellow")
    written, unchanged, kept = len(done.written), len(done.unchanged), len(done.kept)
    say(f"{', '.join(done.packs)}: {written} files written, {unchanged} as they were, {kept} kept")
    say()
    _say_needs(needs)
    say()
    lacking = {} if first else lacking_policies(shipped, loaded)
    for key, entries in lacking.items():
        for entry, text in entries.items():
            say(f"add to the {key} of your policies:  {entry}: {text}", "yellow")
    if first:
        say(f"put in your name, sender and postal address:  {POLICIES}", "yellow")
    say(f"now: perennia test; perennia packs ready {name} says what your data lacks")


def _pack_named(name: str, found: Sequence[Pack]) -> Pack:
    for pack in found:
        if pack.name == name:
            return pack
    raise CommandError(f'no pack "{name}"', f"there are {', '.join(pack.name for pack in found)}", Exit.USAGE)


def _held(pack: Pack) -> str:
    """``8 playbooks, 1 segment``."""
    kinds = Counter(each.split()[0] for each in pack.definitions)
    return ", ".join(f"{count} {_many(kind, count)}" for kind, count in kinds.items())


def _many(kind: str, count: int) -> str:
    if count == 1:
        return kind
    return "health scores" if kind == "health" else f"{kind}s"


def _described(workspace: Workspace, pack: Pack) -> Iterator[tuple[str, str]]:
    """Each definition of the pack with what it says of itself."""
    kinds = {
        "playbook": workspace.playbooks,
        "track": workspace.tracks,
        "segment": workspace.segments,
        "health": workspace.healths,
        "survey": workspace.surveys,
    }
    for each in pack.definitions:
        kind, name = each.split()
        definition = kinds[kind][name]
        yield each, definition.description or definition.name or ""


def _say_needs(needs: Needs) -> None:
    for what, names in (
        ("events to send", needs.events),
        ("traits to tell", needs.traits),
        ("roles of contacts", needs.roles),
        ("roles in your team", needs.team),
        ("senders", needs.senders),
        ("channels", needs.channels),
    ):
        if names:
            say(fill(", ".join(names), 100, initial_indent=f"{what + ':':<21}", subsequent_indent=" " * 21))


def _of(each: Unseen) -> str:
    return f" of {each.scope}s" if each.kind == "trait" else ""
