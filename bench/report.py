"""The figures as a table, each beside what it is measured against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from rich.console import Console
from rich.table import Table

from bench.intake import Intake
from bench.lives import Cost
from bench.steady import Spread

CPU_RATIO = 1.3
HISTORY_EVENTS = (15, 21)
STATEMENTS = 24
TIMER_MS = 1_000
BATCHED_EVENTS = 5_000


class Side(msgspec.Struct, frozen=True):
    """One kind of life: ours, and the bare workflow's."""

    name: str
    ours: Cost
    bare: Cost

    @property
    def server_ratio(self) -> float:
        """What we cost Temporal, against what the bare workflow costs it."""
        return self.ours.cpu_ms["temporal"] / self.bare.cpu_ms["temporal"]

    @property
    def worker_ratio(self) -> float:
        """Temporal and workers, ours with turns, rendering and SMTP."""
        return _engine(self.ours) / _engine(self.bare)

    @property
    def total_ratio(self) -> float:
        """Everything: with our API, and with what starts the bare workflows."""
        return self.ours.total_cpu_ms / self.bare.total_cpu_ms


def _engine(cost: Cost) -> float:
    return cost.cpu_ms["temporal"] + cost.cpu_ms["worker"]


class Rate(msgspec.Struct, frozen=True):
    """At so many events a second: event to SMTP, and a wait's end to the turn that notices."""

    rate: int
    latency: Spread
    timers: Spread


class Results(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    machine: str
    load_before: float
    sides: list[Side]
    rates: list[Rate]
    intakes: list[Intake]


def show(results: Results, console: Console) -> None:
    console.print(f"{results.machine}, {results.at:%Y-%m-%d}; load before the run {results.load_before:.1f}")
    for side in results.sides:
        console.print(_side(side))
    if results.rates:
        console.print(_rates(results.rates))
    if results.intakes:
        console.print(_intakes(results.intakes))


def _side(side: Side) -> Table:
    table = _table(f"{side.name}, {side.ours.customers} customers", "", "Perennia", "bare Temporal", "ratio", "aim")
    for row in _side_rows(side):
        table.add_row(*row)
    return table


def _side_rows(side: Side) -> Iterator[tuple[str, ...]]:
    ours, bare = side.ours, side.bare
    yield ("customers a second", f"{ours.rate:.0f}", f"{bare.rate:.0f}", f"{ours.rate / bare.rate:.2f}", "")
    yield _cpu("CPU ms: Temporal", ours.cpu_ms["temporal"], bare.cpu_ms["temporal"], _at_most(side.server_ratio))
    yield _cpu("CPU ms: worker", ours.cpu_ms["worker"], bare.cpu_ms["worker"])
    yield _cpu("CPU ms: API, or who starts", ours.cpu_ms["api"], bare.cpu_ms["starter"])
    yield _cpu("CPU ms: Temporal and worker", _engine(ours), _engine(bare), _at_most(side.worker_ratio))
    yield _cpu("CPU ms: all", ours.total_cpu_ms, bare.total_cpu_ms, _at_most(side.total_ratio))
    most = HISTORY_EVENTS[1 if "wait" in side.name else 0]
    events = f"{'met' if ours.history_events <= most else 'MISSED'}: at most {most}"
    yield ("history events", f"{ours.history_events}", f"{bare.history_events}", "", events)
    statements = f"{'met' if ours.statements <= STATEMENTS else 'MISSED'}: at most {STATEMENTS}"
    yield ("SQL statements", f"{ours.statements:.1f}", "", "", statements)
    yield ("store bytes", f"{ours.store_bytes:,.0f}", "", "", "")


def _cpu(what: str, ours: float, bare: float, aim: str = "") -> tuple[str, ...]:
    return (what, f"{ours:.1f}", f"{bare:.1f}", f"{ours / bare:.2f}", aim)


def _at_most(ratio: float) -> str:
    return f"{'met' if ratio <= CPU_RATIO else 'MISSED'}: at most {CPU_RATIO}"


def _rates(rates: list[Rate]) -> Table:
    names = ("events a second", "event to SMTP ms, p50", "p99", "most", "timer late ms, p50", "p99", "most", "aim")
    table = _table("at a steady pace", *names)
    for each in rates:
        numbers = (
            f"{number:.0f}"
            for spread in (each.latency, each.timers)
            for number in (spread.p50, spread.p99, spread.most)
        )
        aim = f"{'met' if each.timers.p99 <= TIMER_MS else 'MISSED'}: timers p99 within 1 s"
        table.add_row(str(each.rate), *numbers, aim)
    return table


def _intakes(intakes: list[Intake]) -> Table:
    names = ("events a post", "accepted a second", "raw inserts a second", "ratio", "API CPU ms an event", "aim")
    table = _table("accepting events", *names)
    for each in intakes:
        aim = ""
        if each.size > 1:
            aim = f"{'met' if each.rate >= BATCHED_EVENTS else 'MISSED'}: at least {BATCHED_EVENTS:,}"
        table.add_row(
            str(each.size), f"{each.rate:,.0f}", f"{each.raw:,.0f}", f"{each.share:.2f}", f"{each.cpu_ms:.2f}", aim
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 or name == "aim" else "right")
    return table
