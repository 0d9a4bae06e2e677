"""Salesforce's tasks that people work on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from perennia.providers.crm_tasks import CrmTask, CrmTaskEnded, CrmTaskPage, Ending
from perennia.providers.salesforce_replies import DATA, FIRST, PAGE, TAKEN, Saved, accepted, literal, rewound
from perennia.providers.standard_webhooks import message_id
from perennia.providers.web_api import Answer

_SUBJECT_CHARS: Final = 255
_TASK: Final = f"{DATA}/sobjects/Task"


class Asking(Protocol):
    """How Salesforce is called: with a session."""

    async def __call__(self, method: str, path: str, body: object = None) -> Answer: ...


class SalesforceTasks:
    """``key``: the unique field that holds our key. ``call`` and ``query`` are the adapter's."""

    def __init__(self, key: str, call: Asking, query: Callable[[str, str], Awaitable[list[dict[str, Any]]]]) -> None:
        self._key = key
        self._call = call
        self._query = query

    async def add(self, key: str, text: str, fields: dict[str, Any]) -> str:
        """A task with our key on it. Where one with this key is, it is left as it is by now."""
        subject = " ".join(text.partition("\n")[0].split())[:_SUBJECT_CHARS]
        answer = await self._call("POST", _TASK, {"Subject": subject, **fields, self._key: message_id(key)})
        taken = None if answer.accepted else TAKEN.search(answer.text)
        return taken[1] if taken else accepted(answer).accepted_as(Saved).id

    async def open(self, task: CrmTask) -> str:
        fields: dict[str, Any] = {
            "Description": task.body or "",
            "Status": "Not Started",
            "Priority": "High" if task.urgent else "Normal",
            "WhoId" if task.record == "contact" else "WhatId": task.about,
        }
        if task.due is not None:
            fields["ActivityDate"] = task.due.date().isoformat()
        if task.owner is not None:
            fields["OwnerId"] = task.owner
        return await self.add(task.key, task.title, fields)

    async def end(self, id_: str, ending: Ending) -> None:
        if ending == "done":
            answer = await self._call("PATCH", f"{_TASK}/{id_}", {"Status": "Completed"})
        else:
            answer = await self._call("DELETE", f"{_TASK}/{id_}")
        if answer.status != 404:
            accepted(answer)

    async def ended(self, cursor: str | None) -> CrmTaskPage:
        at, _, behind = (cursor or FIRST).partition("|")
        later = f"SystemModstamp > {at}"
        if behind:
            later = f"({later} OR (SystemModstamp = {at} AND Id > '{behind}'))"
        names = f"Id, {self._key}, IsClosed, Description, SystemModstamp"
        query = f"SELECT {names} FROM Task WHERE {later} ORDER BY SystemModstamp, Id LIMIT {PAGE}"  # noqa: S608 - SOQL
        rows = await self._query("query", query)
        if rows:
            cursor = f"{literal(rows[-1]['SystemModstamp'])}|{rows[-1]['Id']}"
        ours = [row for row in rows if row[self._key] and row["IsClosed"]]
        found = tuple(CrmTaskEnded(row["Id"], row["Description"] or None) for row in ours)
        return CrmTaskPage(found, cursor or FIRST, done=len(rows) < PAGE)

    def rewound(self, cursor: str) -> str:
        return rewound(cursor)
