"""The `perennia` program: its commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer

from perennia.cli.exits import CommandError, Exit
from perennia.cli.speech import complain

# Which module holds which commands: only that of the command at hand is loaded. All of them take four seconds of a
# processor, which `perennia check` need not wait for, nor each child of `perennia up`.
COMMANDS: Final = {
    "workspace_commands": ("check", "schema", "test"),
    "publishing_commands": ("plan", "publish", "revisions", "rollback"),
    "under_way_commands": ("publishing",),
    "customer_commands": ("customers", "show", "why", "enroll", "event", "answer", "skip", "pause", "resume", "end"),
    "stage_commands": ("stages",),
    "task_commands": ("tasks", "team"),
    "pack_commands": ("new", "packs"),
    "rehearsal_commands": ("simulate",),
    "approval_commands": ("approvals",),
    "ledger_commands": ("messages", "deliveries"),
    "preview_commands": ("preview",),
    "sending_commands": ("sending",),
    "survey_commands": ("survey",),
    "segment_commands": ("segment",),
    "broadcast_commands": ("broadcast",),
    "experiment_commands": ("experiment",),
    "consent_commands": ("consent",),
    "suppression_commands": ("suppressions",),
    "crm_commands": ("crm",),
    "privacy_commands": ("export", "erase"),
    "import_commands": ("import",),
    "pull_commands": ("pull",),
    "key_commands": ("keys",),
    "endpoint_commands": ("endpoints",),
    "hook_commands": ("hooks",),
    "retention_commands": ("retention",),
    "backtest_commands": ("backtest",),
    "running_commands": ("up", "demo", "worker", "serve", "inbox", "migrate", "rebuild", "doctor"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. Prints no traceback unless PERENNIA_DEBUG is set."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = build_app(given)(given, prog_name="perennia", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `perennia customers | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        message, remedy, exit_code = explain(error)
        complain(message, remedy, as_json="--json" in given)
        if exit_code is Exit.BUG and os.environ.get("PERENNIA_DEBUG"):
            raise
        return exit_code
    return code if isinstance(code, int) else Exit.OK


def build_app(given: Sequence[str] = ()) -> typer.Typer:
    """The program with the command that is asked for, or with all of them where none is recognised."""
    app = typer.Typer(
        name="perennia",
        help="Lifecycle playbooks in files, exact in time, durable on Temporal.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_only_commands)  # a program of one command is still called with its name
    asked = given[0] if given else None
    wanted = [module for module, names in COMMANDS.items() if asked in names]
    for module in wanted or COMMANDS:
        import_module(f"perennia.cli.{module}").register(app)
    return app


def _only_commands() -> None:
    """Lifecycle playbooks in files, exact in time, durable on Temporal."""


def explain(error: Exception) -> tuple[str, str | None, Exit]:
    """What happened, what to do about it, and how the command ends."""
    from perennia.cli.families import explain_known  # noqa: PLC0415 - loads what only a failed command needs

    match error:
        case CommandError():
            return error.message, error.remedy, error.code
        case typer.TyperException():
            return error.format_message().rstrip("."), "see `perennia --help`", Exit.USAGE
        case _:
            return explain_known(error) or (
                f"a fault of Perennia's own: {type(error).__name__}: {error}",
                "run it again with PERENNIA_DEBUG=1 and report what it prints",
                Exit.BUG,
            )
