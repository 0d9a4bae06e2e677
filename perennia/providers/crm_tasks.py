"""The part of a CRM's port that is about tasks which people work on, there as well as here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["contact", "account"]
Ending: TypeAlias = Literal["done", "cancelled"]


@dataclass(frozen=True)
class CrmTask:
    """A task of ours. ``key``: the same one means the same task. ``about``: the CRM's id of the record that it is about.

    ``owner``: the CRM's id of the employee whose it is, None for nobody's. ``due``: None for no time.
    """

    key: str
    record: Kind
    about: str
    title: str
    body: str | None
    due: datetime | None
    urgent: bool
    owner: str | None
    at: datetime


@dataclass(frozen=True)
class CrmTaskEnded:
    """``text``: what the task says by now."""

    id: str
    text: str | None


@dataclass(frozen=True)
class CrmTaskPage:
    """``cursor``: from where to go on, now or another day. ``done``: nothing more for now."""

    ended: tuple[CrmTaskEnded, ...]
    cursor: str
    done: bool


class CrmTasks(Protocol):
    """Methods raise a `ProviderFailure`. Every write may be repeated."""

    async def open(self, task: CrmTask) -> str:
        """The CRM's id of the task, which is there once. Raises `Refused` where its record is not there."""
        ...

    async def end(self, id_: str, ending: Ending) -> None:
        """``done``: it is completed. ``cancelled``: it goes from everybody's list. One that is gone is as it should be."""
        ...

    async def ended(self, cursor: str | None) -> CrmTaskPage:
        """Tasks with a key of ours that people completed behind the cursor, oldest first; some may come again."""
        ...

    def rewound(self, cursor: str) -> str:
        """The cursor so much earlier that what was seen too late is told again."""
        ...
