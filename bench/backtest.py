"""``python -m bench.backtest``: how long a backtest of 10,000 customers over a year with monthly events takes.

The playbook is the shipped low-touch onboarding; the population signs up over the year, is active once a month, and is kept
in a SQLite file made for this run, or in the database of ``--store``, which must be empty.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.store import open_store
from perennia.store.records import Accepted

CUSTOMERS = 10_000
AIM_SECONDS = 60  # on two cores
BATCH = 2_000
NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)
PLAYBOOK = "low-touch-onboarding"
SHIPPED = Path(__file__).parent.parent
MONTHLY = ("Logged In", "First Project Created", "Report Shared", "Teammate Invited")


class Options(argparse.Namespace):
    customers: int
    store: str | None
    jobs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--store", metavar="URL", help="an empty database; default: a SQLite file made for this run")
    parser.add_argument("--jobs", type=int, default=2, help="processes; default: %(default)s")
    options = parser.parse_args(namespace=Options())
    with tempfile.TemporaryDirectory(prefix="perennia-backtest-") as folder:
        url = options.store or f"sqlite:///{folder}/store.sqlite"
        begin = time.perf_counter()
        events = asyncio.run(_populate(url, options.customers))
        print(f"{options.customers:,} customers with {events:,} inputs, written in {time.perf_counter() - begin:.1f} s")
        told = _backtest(url, options.jobs)
    sent = cast("dict[str, JsonObject]", told["sent"])
    print("released:", ", ".join(f"{count['total']} {verb}" for verb, count in sent.items()))


def _backtest(url: str, jobs: int) -> JsonObject:
    """What the command says of its one draft."""
    since = (NOW - YEAR).date().isoformat()
    command = [sys.executable, "-m", "perennia.cli", "backtest", PLAYBOOK, "--since", since, "--json"]
    begin = time.perf_counter()
    ended = subprocess.run(
        [*command, "--jobs", str(jobs), "--workspace", str(SHIPPED)],
        env={**os.environ, "PERENNIA_STORE_URL": url},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    seconds = time.perf_counter() - begin
    print(f"backtest of {PLAYBOOK} in {jobs} processes: {seconds:.1f} s (aim {AIM_SECONDS})")
    return cast("JsonObject", json.loads(ended.stdout)["drafts"][0])


async def _populate(url: str, customers: int) -> int:
    store = open_store(url)
    try:
        await store.migrate()
        batch: list[Accepted] = []
        events = 0
        for number in range(customers):
            batch += _life(number)
            if len(batch) >= BATCH or number == customers - 1:
                await store.accept(batch, NOW)
                events, batch = events + len(batch), []
        return events
    finally:
        await store.close()


def _life(number: int) -> Iterator[Accepted]:
    """Known for a year, or for a part of it; active once a month from then on."""
    dice = random.Random(number)
    at = NOW - YEAR * dice.random()
    person = f"contact-{number}"
    traits = {
        "email": f"{person}@example.com",
        "first_name": f"N{number}",
        "plan": dice.choice(["free", "pro", "team"]),
        "status": "active",
        "seats": dice.randint(1, 40),
        "timezone": dice.choice(["Europe/Berlin", "America/New_York", "Asia/Tokyo"]),
    }
    told = TraitsChanged(at=at, traits=dict(traits))
    yield Accepted(message_id=f"{number}-traits", kind="contact", external_id=person, input=told)
    count = 0
    while at < NOW:
        name = "Account Created" if count == 0 else dice.choice(MONTHLY)
        what = CustomerEvent(at=at, name=name, properties={"path": "/reports", "number": count})
        yield Accepted(message_id=f"{number}-{count}", kind="contact", external_id=person, input=what)
        at += timedelta(days=30, hours=dice.randint(-48, 48))
        count += 1


if __name__ == "__main__":
    main()
