"""``python -m bench.segments``: how long it takes to say who belongs to a segment, over all customers of a store.

The command is run as people run it, a process of its own each time: with one process and with one a core. Of the customers a
few are made by real turns, with a state as theirs is after weeks in three playbooks, and the others are copies of their rows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnRequest
from activities.turns import StoreTurns
from bench.copies import copy_customers
from perennia.catalog import load_workspace, release
from perennia.cli.suite import cores
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.store import SqlStore, open_store
from perennia.store.records import Accepted

MODELS: Final = 10
LOGINS: Final = 20
BETWEEN: Final = timedelta(days=1, hours=21)
DEFINITIONS: Final = """
policies: default
topics: {tips: {kind: opt_out, name: Tips}}
caps: [{messages: 3, per: 7d}]
---
segment: pros
when: traits.plan == "pro" && traits.seats >= 10
---
segment: busy
when: count("Logged In", "30d") >= 5
---
segment: settled
when: in_stage("adoption", "new", "1d") && health.use >= 20
---
track: adoption
scope: contact
stages: [{id: new}, {id: gone, enter: traits.plan == "none"}]
---
health: use
scope: contact
measures: [{id: logins, score: {value: 'count("Logged In", "30d")', from: 0, to: 40}}]
"""
PLAYBOOK: Final = """
---
playbook: stay-{number}
topic: tips
enter: {{on: [{{event: Logged In}}]}}
steps: [{{wait: 300d}}, {{email: hello}}]
"""
ASKED: Final = (
    ("a trait", ("pros",)),
    ("a count over 30 days", ("busy",)),
    ("a stage and a score", ("settled",)),
    ("traits, and who could be written to", ("pros", "--topic", "tips")),
)


class Clock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def real(self, span: timedelta) -> timedelta:
        return span


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    customers = int(parser.parse_args().customers)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite"
        asyncio.run(_build(f"sqlite:///{file}", Path(folder) / "workspace", customers))
        table = Table(title=f"{customers:,} customers, SQLite, {file.stat().st_size / 1e6:,.0f} MB")
        for column in ("asked", "processes", "seconds", "of a processor", "customers a second of a processor"):
            table.add_column(column)
        for name, words in ASKED:
            for jobs in sorted({1, cores()}):
                seconds, cpu = _timed(file, words, jobs)
                rate = customers / cpu
                table.add_row(name, str(jobs), f"{seconds:.1f}", f"{cpu:.1f}", f"{rate:,.0f}")
        Console().print(table)


def _timed(file: Path, words: tuple[str, ...], jobs: int) -> tuple[float, float]:
    """Seconds, and those of a processor: only the latter say something beside other people's work."""
    command = (sys.executable, "-m", "perennia.cli", "segment", "size", *words, "--json", "-j", str(jobs))
    begin, before = time.perf_counter(), os.times()
    environment = {**os.environ, "PERENNIA_STORE_URL": f"sqlite:///{file}"}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    seconds, after = time.perf_counter() - begin, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


async def _build(url: str, folder: Path, count: int) -> None:
    store = open_store(url)
    try:
        await store.migrate()
        await _publish(store, folder)
        models = await _live(store)
    finally:
        await store.close()
    await copy_customers(url, models, max(count // MODELS - 1, 0))


async def _publish(store: SqlStore, folder: Path) -> None:
    playbooks = "".join(PLAYBOOK.format(number=number) for number in range(3))
    files = {
        "playbooks/all.yaml": DEFINITIONS + playbooks,
        "templates/hello.md": "---\nsubject: Hello\n---\n[Stop]({{ unsubscribe_url }})\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    given = release(load_workspace(folder))
    await store.publish(given.documents, given.triggers, datetime.now(UTC), "bench", None)


async def _live(store: SqlStore) -> list[tuple[str, str]]:
    """Some weeks of a few customers: internal id and outside id of each."""
    # The last one is now: nobody is behind, as nobody is where an installation runs.
    clock = Clock(datetime.now(UTC) - LOGINS * BETWEEN)
    turns, environment = StoreTurns(store, clock), ActivityEnvironment()
    names = [f"m{number}-0" for number in range(MODELS)]
    for login in range(LOGINS):
        clock.instant += BETWEEN
        items = [item for number, name in enumerate(names) for item in _does(name, number, login, clock.instant)]
        await store.accept(items, clock.instant)
        for customer in await store.rung(MODELS):
            await environment.run(turns.take, TurnRequest(customer))
    return [(await store.find(name, "contact"), name) for name in names]


def _does(name: str, number: int, login: int, at: datetime) -> list[Accepted]:
    event = CustomerEvent(at=at, name="Logged In", properties={"from": "web"})
    done = [Accepted(message_id=f"{name}-e{login}", kind="contact", external_id=name, input=event)]
    if login > 0:
        return done
    traits: JsonObject = {
        "email": f"{name}@example.com",
        "first_name": "Ana",
        "plan": ("pro", "free")[number % 2],
        "seats": number * 3,
        "timezone": "Europe/Berlin",
        "renewal_date": "2027-03-02T00:00:00Z",
        "industry": "Logistics",
    }
    told = TraitsChanged(at=at, traits=traits)
    return [Accepted(message_id=f"{name}-t", kind="contact", external_id=name, input=told), *done]


if __name__ == "__main__":
    main()
