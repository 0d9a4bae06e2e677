"""`perennia suppressions ...`: addresses that are never written to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.installation import Installation
from perennia.permission_answers import ImportAnswer

suppressions = typer.Typer(help="Addresses that are never written to.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(suppressions, name="suppressions")


Address = Annotated[str, typer.Argument(help="The email address.")]


@suppressions.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[str | None, typer.Option(help="Go on behind this address.")] = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Lists them by address, with the reason."""
    page = ask(workspace, url, data, lambda at: at.suppressions(limit, after))
    if as_json:
        say_json(page)
        return
    rows = [(each.address, each.reason, f"{each.at:%Y-%m-%d %H:%M}") for each in page.suppressions]
    say_table(("ADDRESS", "REASON", "SINCE (UTC)"), rows)
    if page.next:
        say(f"There are more: --after {page.next}")


@suppressions.command()
def add(
    address: Address,
    reason: Annotated[str, typer.Option(help="Why.")] = "by hand",
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Closes an address: nothing is ever written to it again, transactional messages neither."""
    changed = ask(workspace, url, data, lambda at: at.suppress(address, reason, who()))
    if as_json:
        say_json({"changed": changed})
    else:
        say(f"{address} is suppressed{'' if changed else ', as before'}")


@suppressions.command()
def lift(
    address: Address, workspace: Workspace = HERE, as_json: AsJson = False, url: Url = None, data: Data = None
) -> None:
    """Lets an address be written to again: one that was closed by mistake."""
    changed = ask(workspace, url, data, lambda at: at.lift_suppression(address, who()))
    if as_json:
        say_json({"changed": changed})
    else:
        say(f"{address} may be written to again" if changed else f"{address} was not suppressed")


@suppressions.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV: address, and where known reason and at.", exists=True, dir_okay=False)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong with it.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Closes every address of a CSV file, and says of each row that it cannot read why. Exit code 1: there are such rows."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8: {error}", "save it as CSV in UTF-8", Exit.USAGE) from error
    answer = ask(workspace, url, data, lambda at: at.import_suppressions(text, who(), dry_run=dry_run))
    if as_json:
        say_json(answer)
    else:
        _say_import(file, answer, dry_run=dry_run)
    raise typer.Exit(Exit.FINDINGS if answer.bad else Exit.OK)


def _say_import(file: Path, answer: ImportAnswer, *, dry_run: bool) -> None:
    for each in answer.errors:
        say(f"{file}:{each.line}: {each.message}", "red")
    if answer.bad > len(answer.errors):
        say(f"and {answer.bad - len(answer.errors)} more")
    what = "can be read" if dry_run else "added"
    say(f"{answer.added} {what}, {answer.known} {'named twice' if dry_run else 'known already'}, {answer.bad} refused")


@suppressions.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write it; else to the standard output.", dir_okay=False)
    ] = None,
    workspace: Workspace = HERE,
    url: Url = None,
    data: Data = None,
) -> None:
    """Writes all of them as CSV, which `import` takes; safe to open in a spreadsheet."""
    text = ask(workspace, url, data, Installation.export_suppressions)
    if file is None:
        sys.stdout.write(text)
    else:
        file.write_text(text, encoding="utf-8", newline="")
        say(f"written to {file}")
