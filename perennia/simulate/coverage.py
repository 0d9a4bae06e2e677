"""Which steps of a workspace's playbooks its scenarios reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perennia.catalog.check_playbooks import path_of
from perennia.catalog.workspace import Workspace
from perennia.core.step_ids import place_steps


@dataclass(frozen=True)
class UnreachedStep:
    """A step that no scenario reached, and where it stands."""

    path: str
    line: int
    column: int
    playbook: str
    step: str
    verb: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.verb} step {self.step} of {self.playbook}"


@dataclass(frozen=True)
class Coverage:
    """``unreached`` in order of place."""

    steps: int
    unreached: tuple[UnreachedStep, ...]

    @property
    def percent(self) -> float:
        """Rounded down, so that 100 means all of them; a workspace without steps is covered."""
        if not self.steps:
            return 100.0
        return (self.steps - len(self.unreached)) * 1000 // self.steps / 10


def coverage(workspace: Workspace, reached: Iterable[tuple[str, str]]) -> Coverage:
    """``reached``: ``(playbook, step)`` of every step that some scenario came to."""
    seen = set(reached)
    steps = 0
    unreached: list[UnreachedStep] = []
    for name, playbook in workspace.playbooks.items():
        document = workspace.sources[name]
        for placed in place_steps(playbook):
            steps += 1
            if (name, placed.id) not in seen:
                place = document.key_place((*path_of(placed.path), placed.verb))
                found = UnreachedStep(document.path, place.line, place.column, name, placed.id, placed.verb)
                unreached.append(found)
    return Coverage(steps, tuple(sorted(unreached, key=lambda each: (each.path, each.line, each.column))))
