"""Options that many commands share, each with one name and one meaning."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated, TypeAlias, cast

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.core.json_values import Json, JsonObject

Workspace: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--workspace",
        "-w",
        envvar="PERENNIA_WORKSPACE",
        help="Folder with playbooks/, templates/ and perennia.toml.",
        exists=True,
        file_okay=False,
        metavar="DIR",
    ),
]
HERE = Path()

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Data: TypeAlias = Annotated[
    Path | None, typer.Option("--data", help="Folder of the installation's data.", file_okay=False, metavar="DIR")
]
Url: TypeAlias = Annotated[
    str | None, typer.Option("--url", envvar="PERENNIA_URL", help="Address of the installation's API.", metavar="URL")
]
Customer: TypeAlias = Annotated[str, typer.Argument(help="Its own id (Segment's userId or groupId), or Perennia's.")]
Playbook: TypeAlias = Annotated[str, typer.Argument(help="The playbook's id.")]


def named_values(option: str, given: list[str] | None) -> JsonObject:
    """What NAME=VALUE options say: a value as JSON where it is some, else as text. Raises `CommandError`."""
    values: JsonObject = {}
    for one in given or ():
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise CommandError(f"{option} {one!r} is no NAME=VALUE", f"write for example {option} plan=pro", Exit.USAGE)
        try:
            values[name] = cast("Json", json.loads(text))
        except ValueError:
            values[name] = text
    return values


def who() -> str:
    """Whoever runs the command, for the audit log."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user may have no name
        return "cli"
