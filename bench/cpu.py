"""CPU time of processes, from the kernel's own counters."""

from __future__ import annotations

from collections.abc import Mapping

import psutil


class CpuMeter:
    """CPU seconds of each named process since the meter was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._begin = self._now()

    def spent(self) -> dict[str, float]:
        now = self._now()
        return {name: now[name] - self._begin[name] for name in now}

    def _now(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: spent.user + spent.system for name, spent in times.items()}
