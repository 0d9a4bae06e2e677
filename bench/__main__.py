"""``make bench``: what a customer costs, how long it takes, and how much is accepted. Under five minutes."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from bench.intake import Intake, acquaint, intake
from bench.lives import LIVES, Cost, Progress, bare_worker, live, live_bare, mean
from bench.report import Rate, Results, Side, show
from bench.site import Site, running_site
from bench.steady import latency, timer_lateness

RESULTS = Path(__file__).parent / "results"
PARTS = ("lives", "steady", "intake")
WARM_UP = 20


class Options(argparse.Namespace):
    customers: int
    rounds: int
    rates: list[int]
    seconds: float
    only: list[str]
    keep: Path | None


def main() -> None:
    options = _options()
    # Where it is set, workers compile a workflow's module for every customer anew, ours and the bare ones alike.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console = Console(stderr=True, highlight=False)
    folder = nullcontext(str(options.keep)) if options.keep else tempfile.TemporaryDirectory(prefix="perennia-bench-")
    with folder as path, console.status("starting") as status:
        results = asyncio.run(_measure(Path(path).resolve(), options, status.update))
    show(results, Console(highlight=False))
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{results.at:%Y-%m-%dT%H%M%S}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    console.print(f"written to {file}")


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--customers", type=int, default=300, help="of each kind, per side (300)")
    parser.add_argument("--rounds", type=int, default=2, help="in which they come, the two sides taking turns (2)")
    parser.add_argument("--rates", type=int, nargs="*", default=[10, 20, 40], help="events a second (10 20 40)")
    parser.add_argument("--seconds", type=float, default=8, help="that each rate is held (8)")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), help="these parts of it")
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it there")
    return parser.parse_args(namespace=Options())


async def _measure(folder: Path, options: Options, tell: Progress) -> Results:
    load = os.getloadavg()[0]
    sides: list[Side] = []
    rates: list[Rate] = []
    intakes: list[Intake] = []
    async with running_site(folder, tell) as site:
        await live(site, LIVES[0], WARM_UP, tell)
        if "lives" in options.only:
            sides = await _lives(site, options, tell)
        if "steady" in options.only:
            rates = [await _rate(site, rate, options.seconds, tell) for rate in options.rates]
        if "intake" in options.only:
            intakes = await _intakes(site, options, tell)
    return Results(
        at=datetime.now(UTC),
        machine=f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        load_before=load,
        sides=sides,
        rates=rates,
        intakes=intakes,
    )


async def _lives(site: Site, options: Options, tell: Progress) -> list[Side]:
    """Both kinds of life, ours and the bare ones taking turns, so that neither has the emptier database."""
    number = options.customers // options.rounds
    sides: list[Side] = []
    async with bare_worker(site) as worker:
        for life in LIVES:
            await live_bare(site, worker, life, WARM_UP, tell)
            ours: list[Cost] = []
            bare: list[Cost] = []
            for _ in range(options.rounds):
                ours.append(await live(site, life, number, tell))
                bare.append(await live_bare(site, worker, life, number, tell))
            sides.append(Side(life.name, mean(ours), mean(bare)))
    return sides


async def _rate(site: Site, rate: int, seconds: float, tell: Progress) -> Rate:
    return Rate(rate, await latency(site, rate, seconds, tell), await timer_lateness(site, rate, seconds, tell))


async def _intakes(site: Site, options: Options, tell: Progress) -> list[Intake]:
    names = await acquaint(site, tell)
    return [
        await intake(site, names, 1, 32, options.seconds, tell),
        await intake(site, names, 100, 8, options.seconds, tell),
    ]


if __name__ == "__main__":
    main()
