"""What a customer costs: many customers at once through the whole path, and as many bare workflows on the same server."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import fmean

import msgspec
from temporalio.client import Client

from bench.cpu import CpuMeter
from bench.posting import Door, arrival, post_all
from bench.site import Site
from bench.tally import read_tally
from perennia.temporal import connect, customer_workflow_id

Progress = Callable[[str], None]
AT_ONCE = 16
SAMPLE = 25  # histories that are read; each of them is the same
PATIENCE = 180.0  # seconds until a run counts as stuck
DRAIN = 1.0  # seconds after the last message, for the last turn and for what the server does afterwards

_names = count(1)


@dataclass(frozen=True)
class Life:
    """What each customer goes through; ``wait`` in seconds."""

    name: str
    event: str
    wait: float


BRANCH = Life("event -> branch -> email", "Account Created", 0.0)
WAIT = Life("event -> wait 1s -> email", "Trial Started", 1.0)
LIVES = (BRANCH, WAIT)


class Cost(msgspec.Struct, frozen=True):
    """``cpu_ms``: by process. All figures are per customer, ``history_events`` of the longest life.

    ``seconds`` is for all of them, to the last message.
    """

    customers: int
    seconds: float
    cpu_ms: dict[str, float]
    history_events: int
    statements: float = 0.0
    store_bytes: float = 0.0

    @property
    def rate(self) -> float:
        return self.customers / self.seconds

    @property
    def total_cpu_ms(self) -> float:
        return sum(self.cpu_ms.values())


def mean(costs: Sequence[Cost]) -> Cost:
    """One cost for several rounds of the same size."""
    return Cost(
        customers=sum(each.customers for each in costs),
        seconds=sum(each.seconds for each in costs),
        cpu_ms={name: fmean(each.cpu_ms[name] for each in costs) for name in costs[0].cpu_ms},
        history_events=max(each.history_events for each in costs),
        statements=fmean(each.statements for each in costs),
        store_bytes=fmean(each.store_bytes for each in costs),
    )


async def live(site: Site, life: Life, customers: int, tell: Progress) -> Cost:
    """``customers`` new ones, posted as fast as the API takes them, until the last message has arrived."""
    names = [f"c{next(_names)}" for _ in range(customers)]
    mail_before, statements, size = site.mail_count(), site.statements(), site.store_bytes()
    meter = CpuMeter({name: site.pids[name] for name in ("temporal", "worker", "api")})
    begin = time.monotonic()
    door = Door(site.run.api, site.run.write_key)
    posting = asyncio.create_task(post_all(door, [arrival(name, life.event) for name in names], AT_ONCE))
    await reached(lambda: site.mail_count() - mail_before, customers, f"{life.name}: messages", tell)
    seconds = time.monotonic() - begin
    await posting
    await all_done(site)
    return Cost(
        customers=customers,
        seconds=seconds,
        cpu_ms={name: spent / customers * 1000 for name, spent in meter.spent().items()},
        statements=(site.statements() - statements) / customers,
        store_bytes=(site.store_bytes() - size) / customers,
        history_events=await _history_events(site, names[:SAMPLE]),
    )


async def all_done(site: Site) -> None:
    """Returns when every customer has had the last turn and their workflows have ended."""
    await reached(lambda: -int(site.ask("SELECT count(*) FROM effects WHERE open")[0][0]), 0, "", lambda _: None)
    await reached(lambda: -int(site.ask("SELECT count(*) FROM customers WHERE bell > 0")[0][0]), 0, "", lambda _: None)
    await asyncio.sleep(DRAIN)


async def reached(now: Callable[[], int], wanted: int, what: str, tell: Progress) -> None:
    """Waits until ``now()`` is ``wanted``. Raises TimeoutError after `PATIENCE`."""
    async with asyncio.timeout(PATIENCE):
        while (number := now()) < wanted:
            tell(f"{what} {number}/{wanted}")
            await asyncio.sleep(0.1)
    tell(f"{what} {wanted}/{wanted}")


async def internal_ids(site: Site, names: Sequence[str]) -> list[str]:
    ids = {str(name): str(internal) for name, internal in site.ask("SELECT external_id, id FROM customers")}
    return [ids[name] for name in names]


async def _history_events(site: Site, names: Sequence[str]) -> int:
    """Of the longest: whose first turn came after the wait's end needed no timer."""
    client = await connect(site.run.temporal)
    ids = [customer_workflow_id(internal) for internal in await internal_ids(site, names)]
    return max([await history_length(client, each) for each in ids])


async def history_length(client: Client, workflow: str) -> int:
    return len((await client.get_workflow_handle(workflow).fetch_history()).events)


# --- the bare ones --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BareWorker:
    pid: int
    tally: Path


@asynccontextmanager
async def bare_worker(site: Site) -> AsyncGenerator[BareWorker]:
    """The workers of the bare workflow, as a process of their own."""
    tally = site.folder / "bare.activities"
    process = await asyncio.create_subprocess_exec(
        *_bare("work", site.run.temporal, str(tally)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield BareWorker(process.pid, tally)
    finally:
        process.kill()
        await process.wait()


async def live_bare(site: Site, worker: BareWorker, life: Life, number: int, tell: Progress) -> Cost:
    """The same number of bare workflows, started as fast as the server takes them."""
    before = read_tally(worker.tally)
    meter = CpuMeter({"temporal": site.pids["temporal"], "worker": worker.pid})
    name = str(next(_names))
    starter = await asyncio.create_subprocess_exec(
        *_bare("start", site.run.temporal, name, str(number), str(life.wait)), stdout=asyncio.subprocess.PIPE
    )
    assert starter.stdout is not None
    await starter.stdout.readline()  # connected: what comes before is Python starting
    begin = time.monotonic()
    await reached(lambda: read_tally(worker.tally) - before, number, f"bare {life.name}: activities", tell)
    seconds = time.monotonic() - begin
    output, _ = await starter.communicate()
    await asyncio.sleep(DRAIN)
    spent = {**meter.spent(), "starter": float(output)}
    client = await connect(site.run.temporal)
    return Cost(
        customers=number,
        seconds=seconds,
        cpu_ms={process: each / number * 1000 for process, each in spent.items()},
        history_events=await history_length(client, f"bare-{name}-0"),
    )


def _bare(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "bench.bare", *arguments)
