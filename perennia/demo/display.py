"""What the demo shows while it runs: a live picture in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from perennia.store.records import Totals

PLAIN_EVERY: Final = 5.0  # seconds between two lines where there is no terminal
RATE_OVER: Final = 3.0  # seconds that events a second are counted over


@dataclass(frozen=True)
class Moment:
    """``day`` of ``days`` has come; ``totals`` as the installation counts."""

    day: float
    days: int
    totals: Totals


class Display(Protocol):
    def show(self, moment: Moment) -> None: ...

    def say(self, line: str) -> None:
        """An event of the installation: a part that started, died, came back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass
class Rate:
    """Events a second over the last few seconds."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def of(self, events: int) -> float:
        now = time.monotonic()
        self._seen.append((now, events))
        while now - self._seen[0][0] > RATE_OVER:
            self._seen.popleft()
        first, before = self._seen[0]
        return (events - before) / (now - first) if now > first else 0.0


class PlainDisplay:
    """One line every few seconds, for logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rate = Rate()
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def show(self, moment: Moment) -> None:
        rate = self._rate.of(moment.totals.events)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PLAIN_EVERY
        totals = moment.totals
        skipped = sum(totals.skipped.values())
        self.say(
            f"day {moment.day:4.1f}/{moment.days}  {totals.customers} customers  {totals.events} events ({rate:.0f}/s)  "
            f"{totals.messages.get('sent', 0)} mails sent, {skipped} skipped  {_stages(totals.stages)}"
        )


class LiveDisplay:
    """The whole picture, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._rate = Rate()
        self._lines: deque[str] = deque(maxlen=3)
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def say(self, line: str) -> None:
        self._lines.append(line)
        self._live.update(Text("\n".join(self._lines), style="dim"))

    def show(self, moment: Moment) -> None:
        self._live.update(picture(moment, self._rate.of(moment.totals.events)))


def picture(moment: Moment, rate: float) -> RenderableType:
    """Stages, enrollments and messages side by side under the days that have passed."""
    totals = moment.totals
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column()
    head.add_column(ratio=1)
    head.add_column(justify="right")
    head.add_row(
        Text(f"day {moment.day:.0f} of {moment.days}", style="bold"),
        ProgressBar(total=moment.days, completed=min(moment.day, moment.days)),
        f"{totals.events} events, {rate:.0f}/s",
    )
    panels = [_stage_panel(totals), _enrollment_panel(totals), _message_panel(totals)]
    return Group(head, Columns(panels, equal=False, expand=False))


def _stage_panel(totals: Totals) -> Panel:
    table = Table.grid(padding=(0, 2))
    for track, stages in sorted(totals.stages.items()):
        table.add_row(Text(track, style="bold"))
        for stage, count in stages.items():
            table.add_row(f"  {stage}", Text(str(count), justify="right"), Text("■" * min(count, 24), style="cyan"))
    table.add_row(Text("customers", style="bold"), Text(str(totals.customers), justify="right"))
    return Panel(table, title="Stages")


def _enrollment_panel(totals: Totals) -> Panel:
    table = Table.grid(padding=(0, 2))
    for playbook, outcomes in sorted(totals.enrollments.items()):
        table.add_row(Text(playbook, style="bold"), "")
        for outcome, count in sorted(outcomes.items()):
            table.add_row(f"  {outcome}", Text(str(count), justify="right"))
    return Panel(table, title="Enrollments")


def _message_panel(totals: Totals) -> Panel:
    table = Table.grid(padding=(0, 2))
    for status, count in sorted(totals.messages.items()):
        if status != "skipped":
            table.add_row(status, Text(str(count), justify="right", style="green" if status == "sent" else ""))
    for reason, count in sorted(totals.skipped.items()):
        table.add_row(f"not sent: {reason}", Text(str(count), justify="right", style="yellow"))
    table.add_row("open tasks", Text(str(totals.tasks_open), justify="right"))
    return Panel(table, title="Messages and tasks")


def _stages(stages: Mapping[str, Mapping[str, int]]) -> str:
    return "; ".join(
        f"{track}: {', '.join(f'{stage} {count}' for stage, count in counts.items())}"
        for track, counts in sorted(stages.items())
    )
