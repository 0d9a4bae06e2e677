"""What an installation answers about people's work."""

from __future__ import annotations

import msgspec

from perennia.store.desk_records import Absence, TaskNote
from perennia.store.records import Task


class TaskDetail(msgspec.Struct):
    """``notes``: what happened to it, the first first."""

    task: Task
    notes: list[TaskNote]


class Member(msgspec.Struct):
    """Somebody of the team. ``open_tasks``: how many they have; ``teams``: those they are in; ``away``: now, or later."""

    id: str
    name: str | None
    email: str | None
    teams: list[str]
    open_tasks: int
    away: list[Absence]
