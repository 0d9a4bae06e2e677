"""`perennia messages` and `perennia deliveries`: what left, each try of it, and what came back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from perennia.cli.options import HERE, AsJson, Data, Url, Workspace
from perennia.cli.reach import ask
from perennia.cli.speech import say, say_json, say_table
from perennia.ledger_answers import CameBack, TriedDelivery, TriedMessage, Try
from perennia.ledger_answers import deliveries as ask_deliveries
from perennia.ledger_answers import messages as ask_messages


def register(app: typer.Typer) -> None:
    app.command()(messages)
    app.command()(deliveries)


OfCustomer = Annotated[str | None, typer.Option(help="Only those about this customer.")]


def messages(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    customer: OfCustomer = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
) -> None:
    """Lists messages, also those that were not sent: what came back of them, and each try that failed."""
    found = ask(workspace, url, data, lambda at: ask_messages(at, customer, limit))
    if as_json:
        say_json(found)
        return
    rows = [
        (
            f"{one.released_at:%Y-%m-%d %H:%M}",
            one.customer,
            f"{one.playbook}/{one.step}",
            one.template,
            one.status,
            one.reason or one.provider or "",
            came_back(one.reports),
        )
        for one in found
    ]
    say_table(("RELEASED (UTC)", "CUSTOMER", "STEP", "TEMPLATE", "STATUS", "BY", "CAME BACK"), rows)
    _say_failed(found)


def deliveries(
    workspace: Workspace = HERE,
    as_json: AsJson = False,
    url: Url = None,
    data: Data = None,
    customer: OfCustomer = None,
) -> None:
    """Lists what other systems were told: the CRM, webhooks, channels of the team; and each try that failed."""
    found = ask(workspace, url, data, lambda at: ask_deliveries(at, customer))
    if as_json:
        say_json(found)
        return
    rows = [
        (one.kind, one.status, one.target, one.reason or one.provider or "", json.dumps(one.said, ensure_ascii=False))
        for one in found
    ]
    say_table(("KIND", "STATUS", "TO", "BY", "SAID"), rows)
    _say_failed(found)


def came_back(reports: Iterable[CameBack]) -> str:
    """In words, each once: ``delivered, opened by a machine, clicked``."""
    words = (
        f"{one.what}{f' ({one.bounce})' if one.bounce else ''}{' by a machine' if one.machine else ''}"
        for one in reports
    )
    return ", ".join(dict.fromkeys(words))


def _say_failed(found: Sequence[TriedMessage] | Sequence[TriedDelivery]) -> None:
    """Each try that was not accepted, and what can be done about it."""
    failed = [(one, each) for one in found for each in one.attempts if each.outcome != "accepted"]
    if failed:
        say("")
        rows = [
            (_when(each), one.key, each.provider or "", each.outcome, _said(each), each.remedy or "")
            for one, each in failed
        ]
        say_table(("TRIED (UTC)", "KEY", "BY", "OUTCOME", "SAID", "WHAT TO DO"), rows)


def _when(each: Try) -> str:
    if each.times == 1:
        return f"{each.at:%Y-%m-%d %H:%M:%S}"
    return f"{each.times} times, {each.at:%Y-%m-%d %H:%M:%S} to {each.last_at:%Y-%m-%d %H:%M:%S}"


def _said(each: Try) -> str:
    return f"{each.said or ''}{f' [{each.reply}]' if each.reply else ''}"
