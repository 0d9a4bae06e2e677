"""The part of the store's interface that is about people's work: tasks, and who is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from perennia.store.desk_records import ANY_TASK, Absence, TaskHistory, TaskWish
from perennia.store.records import Task

# Longer than any provider takes. Whoever died meanwhile is replaced, and then somebody may hear of a task twice.
TELLING_LASTS: Final = timedelta(minutes=2)


class Desk(Protocol):
    """Every method is one transaction, as all of `Store`'s. Tasks that have ended stay as they are."""

    async def find_tasks(self, wish: TaskWish = ANY_TASK, limit: int = 100, after: str | None = None) -> list[Task]:
        """The last opened first, behind the one whose cursor (`cursor_of`) is ``after``."""
        ...

    async def tasks(self, customer: str | None = None, status: str | None = None, limit: int = 100) -> list[Task]:
        """The same for one customer (internal id) or all, open ones or those that ended so."""
        ...

    async def task(self, key: str) -> TaskHistory | None: ...

    async def assign_task(self, key: str, to: str | None, at: datetime, by: str) -> bool:
        """Gives an open task to somebody, or to nobody; False where it is open no more, or nobody's and there is none."""
        ...

    async def snooze_task(self, key: str, until: datetime | None, at: datetime, by: str) -> bool:
        """Puts an open task aside until then; None: takes it up again. Its due date and its escalation stay as they are."""
        ...

    async def comment_task(self, key: str, text: str, at: datetime, by: str) -> bool:
        """Says something of a task, also of one that has ended. False where there is none."""
        ...

    # --- the desk itself ---

    async def untold_tasks(self, at: datetime, of: Sequence[str], limit: int = 100) -> list[Task]:
        """Open ones, not snoozed, of these assignees, who were not told of them yet; the first opened first."""
        ...

    async def hand_on_task(self, key: str, was: str, to: str, at: datetime, by: str, *, turn: bool) -> bool:
        """Gives an open task to ``to`` as long as it is ``was``'s. ``turn``: that is a team, and it was their turn in it."""
        ...

    async def claim_telling(self, key: str, to: str, at: datetime) -> bool:
        """Whether the caller is to tell ``to`` of their task: nobody has, and nobody else is about to (`TELLING_LASTS`)."""
        ...

    async def note_task_told(self, key: str, to: str, at: datetime) -> bool:
        """Whoever has the task, and it is ``to``, was told of it. False where somebody else has it by now."""
        ...

    async def open_tasks_of(self, people: Sequence[str]) -> dict[str, int]:
        """How many open tasks each has who has any."""
        ...

    async def turns_of(self, team: str) -> dict[str, datetime]:
        """When each got a task of the team's last."""
        ...

    async def claim_digest(self, person: str, day: str, at: datetime) -> bool:
        """Whether the caller is to send that day's (``2026-03-02``) digest: nobody has, and nobody else is about to."""
        ...

    async def note_digest(self, person: str, day: str) -> None:
        """That day's digest has left."""
        ...

    # --- who is away ---

    async def set_absence(self, absence: Absence) -> None:
        """The same person and start: the last word counts."""
        ...

    async def end_absence(self, person: str, at: datetime) -> bool:
        """The person is back: what has begun ends now, what was to come does not. False where there was nothing."""
        ...

    async def absences(self, at: datetime) -> list[Absence]:
        """Those that have not ended by then, by person and start."""
        ...
