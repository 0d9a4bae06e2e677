"""The `perennia` program: its commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from perennia.cli import customer_commands, running_commands, task_commands, workspace_commands
from perennia.cli.exits import CommandError, Exit
from perennia.cli.speech import complain
from perennia.installation import InstallationError, NotReachable
from perennia.settings import SettingsError
from perennia.store.port import StoreError, StoreUnavailable
from perennia.up.folder import FolderError

app = typer.Typer(
    name="perennia",
    help="Lifecycle playbooks in files, exact in time, durable on Temporal.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
workspace_commands.register(app)
customer_commands.register(app)
app.add_typer(task_commands.app, name="tasks")
running_commands.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. Prints no traceback unless PERENNIA_DEBUG is set."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        code = app(given, prog_name="perennia", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `perennia customers | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        message, remedy, exit_code = explain(error)
        complain(message, remedy, as_json=as_json)
        if exit_code is Exit.BUG and os.environ.get("PERENNIA_DEBUG"):
            raise
        return exit_code
    return code if isinstance(code, int) else Exit.OK


def explain(error: Exception) -> tuple[str, str | None, Exit]:
    """What happened, what to do about it, and how the command ends."""
    match error:
        case CommandError():
            return error.message, error.remedy, error.code
        case NotReachable():
            return error.message, error.remedy, Exit.UNREACHABLE
        case InstallationError():
            return error.message, error.remedy, Exit.REFUSED
        case SettingsError():
            return f"{error.source}: {error.message}", error.remedy, Exit.USAGE
        case FolderError():
            return str(error), None, Exit.REFUSED
        case StoreUnavailable():
            return f"the store does not answer: {error}", "look at PERENNIA_STORE_URL, or try again", Exit.UNREACHABLE
        case StoreError():
            return str(error), None, Exit.REFUSED
        case typer.TyperException():
            return error.format_message(), "see `perennia --help`", Exit.USAGE
        case _:
            return (
                f"a fault of Perennia's own: {type(error).__name__}: {error}",
                "run it again with PERENNIA_DEBUG=1 and report what it prints",
                Exit.BUG,
            )
