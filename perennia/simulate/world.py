"""A customer's world in memory: a clock that jumps from instant to instant, and effects that succeed unless told otherwise."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol, TypeAlias

import msgspec

from perennia.core.advance import Decision, advance
from perennia.core.compiled import Catalog
from perennia.core.decisions import (
    Effect,
    EffectEnded,
    Input,
    JournalEntry,
    OpenTask,
    Outcome,
    Reason,
    SendEmail,
    TaskEnded,
)
from perennia.core.json_values import JsonObject
from perennia.core.state import CustomerState, Recipient

# How long the simulated provider is left alone after a failure that may pass; doubled each time, as the engine does.
FIRST_RETRY = timedelta(seconds=1)


class RenderingProblem(Exception):
    """A template or title that cannot be rendered, in words for its author."""


class Rendering(Protocol):
    """What the world needs of templates. Both raise `RenderingProblem`."""

    def title(self, text: str, context: JsonObject) -> str: ...

    def message(self, effect: SendEmail) -> None:
        """Renders the message and throws it away: a scenario finds what a template lacks."""
        ...


@dataclass
class Fault:
    """From ``at`` on, ``times`` attempts fail, or are refused for good."""

    at: datetime
    refuses: bool
    times: int


Act: TypeAlias = Callable[["World"], None]


@dataclass
class World:
    """One customer in one catalog. Inputs and acts are put on the agenda; `run` lives through it."""

    catalog: Catalog
    state: CustomerState
    rendering: Rendering
    faults: list[Fault] = field(default_factory=list[Fault])
    recipient: Recipient = field(default_factory=lambda: Recipient(address=None))
    journal: list[JournalEntry] = field(default_factory=list[JournalEntry])
    titles: list[str] = field(default_factory=list[str])
    tasks: dict[str, str] = field(default_factory=dict[str, str])
    turns: int = 0
    _agenda: list[tuple[datetime, int, Input | Act]] = field(default_factory=list[tuple[datetime, int, "Input | Act"]])
    _order: count[int] = field(default_factory=count)
    _seq: count[int] = field(default_factory=lambda: count(1))
    _attempts: dict[str, int] = field(default_factory=dict[str, int])

    def at(self, when: datetime, what: Input | Act) -> None:
        """Puts an input, or something that happens to the world, on the agenda; at one instant in order of this call."""
        heapq.heappush(self._agenda, (when, next(self._order), what))

    def run(self, until: datetime) -> None:
        """Lives through everything up to and with ``until``."""
        while True:
            wake_at = self._wake_at
            due = self._agenda[0][0] if self._agenda else None
            if due is not None and due <= until and (wake_at is None or due <= wake_at):
                self._happen()
            elif wake_at is not None and wake_at <= until:
                self._turn(wake_at, ())
            else:
                break
        self._turn(until, ())

    _wake_at: datetime | None = None

    def _happen(self) -> None:
        when, _, what = heapq.heappop(self._agenda)
        if callable(what):
            what(self)
            return
        self._turn(when, (msgspec.structs.replace(what, seq=next(self._seq)),))

    def _turn(self, now: datetime, inputs: tuple[Input, ...]) -> None:
        # What time alone makes due at this instant waits for the inputs of the same instant.
        last = not self._agenda or self._agenda[0][0] > now
        clock = now if last else now - timedelta(microseconds=1)
        decision: Decision = advance(self.catalog, self.state, clock, inputs, {self.state.customer: self.recipient})
        self.turns += 1
        self.state = decision.state
        self.journal += decision.journal
        self._wake_at = decision.wake_at
        for effect in decision.effects:
            self._carry_out(effect, now)

    def _carry_out(self, effect: Effect, now: datetime) -> None:
        if isinstance(effect, OpenTask):
            self._open_task(effect, now)
        else:
            self._send(effect, now)

    def _open_task(self, effect: OpenTask, now: datetime) -> None:
        try:
            title = self.rendering.title(effect.title, effect.context)
            if effect.body is not None:
                self.rendering.title(effect.body, effect.context)
        except RenderingProblem as problem:
            self.titles.append(effect.title)
            self._end(effect, now, Outcome.FAILED, Reason.TEMPLATE_ERROR, {"error": str(problem)})
            return
        self.titles.append(title)
        self.tasks[effect.step] = effect.key
        self._end(effect, now, Outcome.DONE)

    def _send(self, effect: SendEmail, now: datetime) -> None:
        try:
            self.rendering.message(effect)
        except RenderingProblem as problem:
            self._end(effect, now, Outcome.FAILED, Reason.TEMPLATE_ERROR, {"error": str(problem)})
            return
        fault = next((each for each in self.faults if each.at <= now and each.times > 0), None)
        if fault is None:
            self._end(effect, now, Outcome.SENT)
            return
        fault.times -= 1
        if fault.refuses:
            self._end(effect, now, Outcome.FAILED, Reason.PROVIDER_REFUSED)
            return
        attempt = self._attempts[effect.key] = self._attempts.get(effect.key, 0) + 1
        retry = now + FIRST_RETRY * 2 ** (attempt - 1)
        self.at(retry, lambda _: self._send(effect, retry))

    def _end(
        self,
        effect: Effect,
        at: datetime,
        outcome: Outcome,
        reason: str | None = None,
        result: JsonObject | None = None,
    ) -> None:
        self.at(at, EffectEnded(at=at, key=effect.key, outcome=outcome, reason=reason, result=result or {}))

    # --- what happens to the world beside inputs ---

    def consent(self, topic: str, *, given: bool) -> None:
        self.recipient = msgspec.structs.replace(self.recipient, consents={**self.recipient.consents, topic: given})

    def finish_task(self, at: datetime, step: str, result: str | None) -> None:
        """A person finishes the task that the step opened last; where it opened none, nothing happens."""
        key = self.tasks.get(step)
        if key is not None:
            self.at(at, TaskEnded(at=at, key=key, outcome="done", result=result))

    def suppress(self) -> None:
        self.recipient = msgspec.structs.replace(self.recipient, suppressed=True)
