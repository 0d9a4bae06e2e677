"""Runs many scenarios over several processes; what comes back is plain data, in the workspace's own order."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import msgspec

from perennia.catalog import ScenarioFile
from perennia.core.compiled import compile_catalog
from perennia.core.documents import Document
from perennia.core.json_values import Json
from perennia.simulate.report import explanation, report
from perennia.simulate.scenarios import Rendering, ScenarioResult, run_scenario

# A process of its own costs about as much as this many scenarios.
WORTH_A_PROCESS = 20


@dataclass(frozen=True)
class Outcome:
    """What became of one scenario. ``report`` None: it passed; ``crashed``: it could not be run to its end."""

    seconds: float
    report: str | None
    crashed: bool
    reached: frozenset[tuple[str, str]]
    details: dict[str, Json]


@dataclass(frozen=True)
class Suite:
    """Scenarios with the documents they are run on. ``drafts``: those of each file that one publishes on its way."""

    documents: tuple[Document, ...]
    rendering: Rendering
    files: Sequence[ScenarioFile]
    drafts: Mapping[str, Sequence[Document]] = field(default_factory=dict[str, "Sequence[Document]"])

    def run(self, jobs: int | None, *, details: bool) -> Iterator[Outcome]:
        """One outcome a scenario, in order, as they come. ``jobs`` None: as many processes as pay, one a core."""
        wanted = jobs or min(cores(), len(self.files) // WORTH_A_PROCESS)
        if wanted <= 1 or "fork" not in multiprocessing.get_all_start_methods():
            yield from (self.outcome(index, details=details) for index in range(len(self.files)))
            return
        global _suite  # noqa: PLW0603 - children are forked with it: compiled templates are not sent anywhere
        _suite = self
        compile_catalog("shared", self.documents)  # once, before the children are forked: they share what it compiled
        chunk = max(len(self.files) // (wanted * 4), 1)
        with ProcessPoolExecutor(wanted, mp_context=multiprocessing.get_context("fork")) as pool:
            numbers = range(len(self.files))
            yield from pool.map(_outcome, numbers, [details] * len(numbers), chunksize=chunk)

    def outcome(self, index: int, *, details: bool) -> Outcome:
        """Runs one. A fault of ours in it is an outcome, too: it must not hide how the others went."""
        started = time.perf_counter()
        try:
            result = run_scenario(self.documents, self.files[index].scenario, self.rendering, self.drafts)
        except Exception as error:  # noqa: BLE001 - see above
            said = f"A fault of Perennia's own: {type(error).__name__}: {error}\n{traceback.format_exc()}"
            return Outcome(time.perf_counter() - started, said, crashed=True, reached=frozenset(), details={})
        return Outcome(
            seconds=time.perf_counter() - started,
            report=None if result.passed else report(result),
            crashed=False,
            reached=result.reached,
            details=_details(result) if details else {},
        )


_suite: Suite | None = None


def _outcome(index: int, details: bool) -> Outcome:
    assert _suite is not None  # noqa: S101 (forked after it was set)
    return _suite.outcome(index, details=details)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _details(result: ScenarioResult) -> dict[str, Json]:
    return {
        "timeline": [{"at": one.at.isoformat(), "what": str(one)} for one in result.actual],
        "differences": [
            {
                "at": each.at.isoformat() if each.at else None,
                "expected": None if each.expected is None else str(each.expected),
                "actual": None if each.actual is None else str(each.actual),
            }
            for each in result.differences
        ],
        "reason": [*explanation(result)],
        "decisions": msgspec.to_builtins(result.journal),
    }
