"""What people do with tasks, as the store keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from perennia.store.records import Task

# ``told``: the assignee was told of it.
TaskAct: TypeAlias = Literal["assigned", "snoozed", "woken", "commented", "told"]


class TaskNote(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a task's history. ``text``: to whom, until when, or what was said."""

    at: datetime
    by: str
    act: TaskAct
    text: str | None = None


class TaskWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks are wanted; what is None wants all. ``assignee`` "": nobody's. ``due_by``: due at that instant or before.

    ``awake_at``: not snoozed beyond that instant.
    """

    customer: str | None = None
    status: str | None = None
    assignee: str | None = None
    playbook: str | None = None
    priority: str | None = None
    due_by: datetime | None = None
    awake_at: datetime | None = None


ANY_TASK = TaskWish()


class TaskHistory(msgspec.Struct, frozen=True, kw_only=True):
    """``notes``: the first first."""

    task: Task
    notes: tuple[TaskNote, ...]


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """``person`` is away from ``start`` to ``end`` (that instant not included). ``stand_in``: who takes their tasks meanwhile."""

    person: str
    start: datetime
    end: datetime
    stand_in: str | None = None
