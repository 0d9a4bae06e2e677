"""``python -m bench.messages``: messages a second through the send ledger, and whether held ones slow the next.

Some hundred customers are written to, once before and once after a great many others wait with a message in their quiet
hours. Turn, rendering, claim and end are real; the provider takes every message at once. Of those that wait, one is made by a
real turn, and the others are copies of its rows: a turn for each of 100,000 would take longer than all that is measured. The
store is a SQLite file made for this run, or the database of ``--store``, which must be empty.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from temporalio.testing import ActivityEnvironment

from activities.contracts import EffectRequest, TurnRequest
from activities.messages import StoreMessages
from activities.turns import StoreTurns
from bench.copies import BATCH, copy_customers
from perennia.catalog import load_workspace, release
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.providers.email import Capabilities, OutgoingEmail, SentEmail
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from perennia.store.records import Accepted

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
AT_ONCE = 16
AIM_STATEMENTS = 6

POLICIES = """
policies: default
url: https://acme.example
name: Acme
address: 1 Main Street, Utrecht
senders: {hello: {email: hello@acme.example, name: Ana at Acme}}
topics: {tips: {kind: opt_out, name: Tips}}
quiet_hours: {window: "21:00-08:00"}
caps: [{messages: 3, per: 7d}]
"""
PLAYBOOK = """
playbook: tips
topic: tips
enter: {on: [{event: Signed Up}]}
steps: [{id: mail, email: mail}]
"""
TEMPLATE = "---\nsubject: Hello {{ contact.first_name }}\n---\nHi {{ contact.first_name }}, **three things** to try.\n"
# In Sydney it is nine in the evening.
AWAKE, ASLEEP = "Europe/Berlin", "Australia/Sydney"

T = TypeVar("T")


class Options(argparse.Namespace):
    messages: int
    held: int
    store: str | None


class ReadyClock:
    def now(self) -> datetime:
        return NOW

    def real(self, span: timedelta) -> timedelta:
        return span


class Nowhere:
    """A provider that has every message at once."""

    name = "nowhere"
    capabilities = Capabilities(idempotent=False)

    async def send(self, message: OutgoingEmail) -> SentEmail:
        return SentEmail(provider_id=message.message_id)

    async def examine(self) -> str:
        return "takes everything"

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Measured:
    """Of so many messages. ``statements``: a message, from its claim to its end."""

    seconds: float
    messages: int
    statements: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000, help="each time (%(default)s)")
    parser.add_argument("--held", type=int, default=100_000, help="that wait meanwhile (%(default)s)")
    parser.add_argument("--store", metavar="URL", help="an empty database; default: a SQLite file made for this run")
    options = parser.parse_args(namespace=Options())
    with tempfile.TemporaryDirectory(prefix="perennia-messages-") as folder:
        url = options.store or f"sqlite:///{folder}/store.sqlite"
        before, after = asyncio.run(_measure(url, Path(folder), options))
    console = Console(highlight=False)
    table = Table(title=f"{options.messages:,} messages, render to end", title_justify="left")
    for name in ("held meanwhile", "messages a second", "statements a message"):
        table.add_column(name, justify="right")
    for held, measured in ((0, before), (options.held, after)):
        table.add_row(
            f"{held:,}",
            f"{measured.messages / measured.seconds:,.0f}",
            f"{measured.statements:.2f} (aim {AIM_STATEMENTS})",
        )
    console.print(table)
    console.print(f"ratio of the times, after / before: {after.seconds / before.seconds:.2f}")


async def _measure(url: str, folder: Path, options: Options) -> tuple[Measured, Measured]:
    store = open_store(url)
    try:
        await store.migrate()
        await _publish(store, folder / "workspace")
        before = await _write_to(store, "before", options.messages)
        await _hold(store, url, options.held)
        return before, await _write_to(store, "after", options.messages)
    finally:
        await store.close()


async def _publish(store: SqlStore, folder: Path) -> None:
    files = {"playbooks/policies.yaml": POLICIES, "playbooks/tips.yaml": PLAYBOOK, "templates/mail.md": TEMPLATE}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    given = release(load_workspace(folder))
    await store.publish(given.documents, given.triggers, NOW, "bench", None)


async def _write_to(store: SqlStore, name: str, count: int) -> Measured:
    """Sends one message to each of so many new customers."""
    released = await _released(store, name, count, AWAKE)
    messages = StoreMessages(store, Nowhere(), Links("https://acme.example", ["a key of the bench"]), ReadyClock())
    environment = ActivityEnvironment()
    statements = store.statements.total
    begin = time.perf_counter()
    await _all(released, lambda each: environment.run(messages.send, EffectRequest(*each)))
    seconds = time.perf_counter() - begin
    return Measured(seconds, len(released), (store.statements.total - statements) / len(released))


async def _hold(store: SqlStore, url: str, count: int) -> None:
    """So many customers whose message waits for the end of their quiet hours."""
    if await _released(store, "held", 1, ASLEEP):
        raise RuntimeError("nobody is held: it is no quiet hour where they are")
    await copy_customers(url, [(await store.find("held-0", "contact"), "held-0")], count - 1)


async def _released(store: SqlStore, name: str, count: int, zone: str) -> list[tuple[str, str]]:
    """So many new customers sign up, and their turns are taken: internal id and key of each message that may leave."""
    for start in range(0, count, BATCH):
        people = range(start, min(start + BATCH, count))
        await store.accept([item for number in people for item in _signs_up(f"{name}-{number}", zone)], NOW)
    turns = StoreTurns(store, ReadyClock())
    environment = ActivityEnvironment()
    rung = await store.rung(count)
    replies = await _all(rung, lambda each: environment.run(turns.take, TurnRequest(each)))
    return [(who, effect.key) for who, reply in zip(rung, replies, strict=True) for effect in reply.effects]


def _signs_up(who: str, zone: str) -> tuple[Accepted, Accepted]:
    traits = TraitsChanged(at=NOW, traits={"email": f"{who}@example.com", "first_name": who, "timezone": zone})
    event = CustomerEvent(at=NOW, name="Signed Up")
    return (
        Accepted(message_id=f"{who}-traits", kind="contact", external_id=who, input=traits),
        Accepted(message_id=f"{who}-event", kind="contact", external_id=who, input=event),
    )


U = TypeVar("U")


async def _all(items: Sequence[U], act: Callable[[U], Awaitable[T]]) -> list[T]:
    """In order of the items, at most `AT_ONCE` at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(item: U) -> T:
        async with limit:
            return await act(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


if __name__ == "__main__":
    main()
