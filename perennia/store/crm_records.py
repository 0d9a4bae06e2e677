"""What crosses the store's border of the CRM. No SQL here."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from perennia.core.agreement import Seen
from perennia.core.definitions import Scope
from perennia.core.json_values import JsonObject
from perennia.store.records import Task

LinkState: TypeAlias = Literal["linked", "gone", "merged", "refused"]


class CrmLink(msgspec.Struct, frozen=True, kw_only=True):
    """Which record of the CRM a customer is. ``seen``: what both sides held when they last agreed (`core.agreement`).

    ``gone``: it was deleted there, and is not made again. ``merged``: another record, of another customer, stands for it.
    ``refused``: the CRM did not take ``attempt`` (its mark), which is not tried again before it changes. ``count``: how often
    this was written: no two things that came from the CRM have the same name.
    """

    customer: str
    record: str | None = None
    state: LinkState = "linked"
    seen: Seen = {}
    count: int = 0
    attempt: str | None = None


class CrmSide(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as the CRM's records are compared with it: all that was told, also what no turn has read yet.

    ``account``: its account's external id. ``address``: in its normal form.
    """

    customer: str
    kind: Scope
    ref: str
    traits: JsonObject
    account: str | None = None
    address: str | None = None
    link: CrmLink | None = None


# What may be a record of somebody who was erased: also a task about them.
ErasedKind: TypeAlias = Literal["contact", "account", "task"]


class CrmErasure(msgspec.Struct, frozen=True, kw_only=True):
    """A record of somebody who was erased here. ``ordered``: with the word that the CRM forgets them, too."""

    record: str
    ordered: bool


class CrmTaskLink(msgspec.Struct, frozen=True, kw_only=True):
    """``record``: of a task that is to be opened there, that of its customer; else that of the task."""

    task: Task
    record: str


class CrmNote(msgspec.Struct, frozen=True, kw_only=True):
    """Something remembered under a name: a cursor, a report."""

    value: str
    at: datetime
