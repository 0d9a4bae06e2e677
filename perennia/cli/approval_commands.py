"""`perennia approvals ...`: questions that playbooks put to people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennia.cli.options import HERE, AsJson, Data, Url, Workspace, who
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.core.decisions import Answer

approvals = typer.Typer(help="Lists and answers questions that playbooks put to people.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(approvals, name="approvals")


Key = Annotated[str, typer.Argument(help="The approval's key, as `perennia approvals list` shows it.")]
Comment = Annotated[str | None, typer.Option(help="Why; playbooks can read it.")]
OfCustomer = Annotated[str | None, typer.Option(help="Only those about this customer.")]


@approvals.command("list")
def list_approvals(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    customer: OfCustomer = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """Lists questions that wait for an answer."""
    found = ask(workspace, url, data, lambda at: at.approvals(customer, None if everything else "open"))
    if as_json:
        say_json(found)
        return
    rows = [
        (
            one.key,
            one.status,
            one.external_id,
            one.question,
            one.approver or "",
            f"{one.until:%Y-%m-%d %H:%M}" if one.until else "",
        )
        for one in found
    ]
    say_table(("KEY", "STATUS", "CUSTOMER", "QUESTION", "ASKED", "UNTIL (UTC)"), rows)


@approvals.command()
def approve(
    key: Key,
    comment: Comment = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Says yes."""
    _answer("approved", key, comment, workspace, url, data, as_json=as_json)


@approvals.command()
def deny(
    key: Key,
    comment: Comment = None,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
) -> None:
    """Says no."""
    _answer("denied", key, comment, workspace, url, data, as_json=as_json)


def _answer(
    decision: Answer,
    key: str,
    comment: str | None,
    workspace: Path,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    answer = ask(workspace, url, data, lambda at: at.answer_approval(key, decision, comment, who()))
    if as_json:
        say_json(answer)
    else:
        say(f"{decision}: {key}")
