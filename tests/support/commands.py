"""Commands as people run them: real processes, in a folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from perennia.core.json_values import JsonObject

PROGRAM = (sys.executable, "-P", "-m", "perennia.cli")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> JsonObject:
        return cast("JsonObject", json.loads(self.out))

    @property
    def listed(self) -> list[Any]:
        """What was printed as a list of JSON objects."""
        return cast("list[Any]", json.loads(self.out))


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tests' own environment without what a developer's shell may say about an installation."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIA_", "TEMPORAL_"))}
    return {**ours, **(more or {})}


def perennia(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """Runs ``perennia ARGUMENTS`` in ``folder`` to its end."""
    ended = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
