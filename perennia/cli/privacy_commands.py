"""`perennia export CUSTOMER` and `perennia erase CUSTOMER`: what people may ask of whoever holds their data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.extracting import EXTRACTS, extract
from perennia.cli.options import HERE, AsJson, Customer, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import note, say, say_json
from perennia.privacy_answers import Erased
from perennia.settings import load_settings

Kind = Annotated[
    Literal["contact", "account"] | None, typer.Option(help="Which, where a contact and an account have the same id.")
]


def register(app: typer.Typer) -> None:
    for command in (export, erase):
        app.command()(command)


def export(
    customer: Annotated[
        str,
        typer.Argument(
            help="A customer's own id, or Perennia's; or all of one kind: customers, accounts, events, messages, consents, "
            "suppressions."
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Where to write it: .json, or .zip with CSV files; else JSON to the standard output. All of one kind: "
            ".csv, .jsonl or .parquet."
        ),
    ] = None,
    kind: Kind = None,
    workspace: Workspace = HERE,
    url: Url = None,
    data: Data = None,
) -> None:
    """Writes everything that is held of a customer, for whoever asks what you know of them; or everything of one kind."""
    if customer in EXTRACTS and kind is None:
        count = extract(load_settings(workspace, data), customer, file)
        note(f"{count:,} {customer} written to {file}")
        return
    if file is not None and file.suffix not in (".json", ".zip"):
        raise CommandError(f"{file} says neither JSON nor CSV", "name it *.json, or *.zip for CSV files", Exit.USAGE)
    as_csv = file is not None and file.suffix == ".zip"
    content = ask(workspace, url, data, lambda at: at.export_customer(customer, kind, who(), as_csv=as_csv))
    if file is None:
        sys.stdout.write(f"{content.decode()}\n")
        return
    file.touch(mode=0o600)
    file.write_bytes(content)
    note(f"written to {file}")


def erase(
    customer: Customer,
    kind: Kind = None,
    members: Annotated[bool, typer.Option("--members", help="Of an account, its contacts too.")] = False,
    suppress: Annotated[
        bool, typer.Option("--suppress", help="Never write to their addresses again, should they come back.")
    ] = False,
    crm: Annotated[bool, typer.Option("--crm", help="Their record in the CRM, too, with the next comparison.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Deletes everything that is held of a customer. There is no way back; doing it again changes nothing."""

    def order(*, only_count: bool) -> Erased:
        return ask(
            workspace,
            url,
            data,
            lambda at: at.erase(customer, kind, who(), members=members, suppress=suppress, crm=crm, dry_run=only_count),
        )

    if dry_run or not (yes or as_json):
        counted = order(only_count=True)
        if as_json:
            say_json(counted)
        elif counted.again:
            say(f"{customer} was erased at {counted.at:%Y-%m-%d %H:%M} UTC")
        else:
            say(f"{customer} ({counted.customer}): {_counts(counted)}")
        if dry_run or counted.again:
            return
        typer.confirm("Delete all of it? There is no way back.", abort=True)
    erased = order(only_count=False)
    if as_json:
        say_json(erased)
    elif erased.again:
        say(f"{customer} was erased at {erased.at:%Y-%m-%d %H:%M} UTC")
    else:
        say(f"erased: {_counts(erased)}")


def _counts(erased: Erased) -> str:
    counts = [f"{count:,} {table.replace('_', ' ')}" for table, count in sorted(erased.rows.items())]
    members = [f"{len(erased.members):,} members"] if erased.members else []
    return ", ".join([*members, *counts]) or "nothing but the name"
