"""HubSpot's notes and tasks: made once, by a unique property that holds our key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from perennia.providers.crm import Kind
from perennia.providers.crm_tasks import CrmTask, CrmTaskEnded, CrmTaskPage, Ending
from perennia.providers.hubspot_replies import LAG, TAKEN, Batch, Object, accepted, milliseconds, position
from perennia.providers.standard_webhooks import message_id
from perennia.providers.web_api import WebApi

PAGE: Final = 100
COMPLETED: Final = "COMPLETED"
_TASKS: Final = "/crm/v3/objects/tasks"
_MODIFIED: Final = "hs_lastmodifieddate"
# HubSpot's own types of associations (developers.hubspot.com/docs/api-reference/crm-associations-v4/guide).
_ABOUT: Final[dict[tuple[str, Kind], int]] = {
    ("notes", "contact"): 202,
    ("notes", "account"): 190,
    ("tasks", "contact"): 204,
    ("tasks", "account"): 192,
}


class HubSpotActivities:
    """``key``: the property. Also what keeps people's tasks equal (`CrmTasks`)."""

    def __init__(self, api: WebApi, key: str) -> None:
        self._api = api
        self._key = key

    async def add(self, objects: str, record: Kind, about: str, key: str, properties: Mapping[str, str | None]) -> str:
        """A note or a task on the record ``about``: where one with this key is, it is not made again."""
        name = message_id(key)
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _ABOUT[objects, record]}]
        body = {
            "properties": {**properties, self._key: name},
            "associations": [{"to": {"id": about}, "types": types}],
        }
        answer = await self._api.post(f"/crm/v3/objects/{objects}", body)
        if not answer.accepted and TAKEN.search(answer.text):
            answer = await self._api.call("GET", f"/crm/v3/objects/{objects}/{name}?idProperty={self._key}")
        return accepted(answer).accepted_as(Object).id

    async def open(self, task: CrmTask) -> str:
        properties = {
            "hs_task_subject": task.title,
            "hs_task_body": task.body or "",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": "TODO",
            "hs_task_priority": "HIGH" if task.urgent else "MEDIUM",
            "hs_timestamp": (task.due or task.at).isoformat(),
            "hubspot_owner_id": task.owner or "",
        }
        return await self.add("tasks", task.record, task.about, task.key, properties)

    async def end(self, id_: str, ending: Ending) -> None:
        path = f"{_TASKS}/{id_}"
        if ending == "done":
            answer = await self._api.patch(path, {"properties": {"hs_task_status": COMPLETED}})
        else:
            answer = await self._api.call("DELETE", path)
        if answer.status not in (404, 410):
            accepted(answer)

    async def ended(self, cursor: str | None) -> CrmTaskPage:
        """By time of change; those of one millisecond by id, where they fill a page."""
        at, behind = position(cursor)
        if behind is not None:
            found = await self._search(
                ((_MODIFIED, "EQ", str(at)), ("hs_object_id", "GT", str(behind))), "hs_object_id"
            )
            if found:
                return CrmTaskPage(_ended(found), f"{at}:{found[-1].id}", done=False)
        found = await self._search(((_MODIFIED, "GT", str(at)),), _MODIFIED)
        stamps = [milliseconds(each.properties[_MODIFIED]) for each in found]
        if len(found) < PAGE:
            return CrmTaskPage(_ended(found), str(stamps[-1] if stamps else at), done=True)
        # The last millisecond of a full page may go on behind it.
        kept = [each for each, stamp in zip(found, stamps, strict=True) if stamp < stamps[-1]]
        onward = str(milliseconds(kept[-1].properties[_MODIFIED])) if kept else f"{stamps[-1]}:0"
        return CrmTaskPage(_ended(kept), onward, done=False)

    def rewound(self, cursor: str) -> str:
        return str(max(0, position(cursor)[0] - LAG // timedelta(milliseconds=1)))

    async def _search(self, where: tuple[tuple[str, str, str], ...], order: str) -> list[Object]:
        filters: list[dict[str, str]] = [
            {"propertyName": name, "operator": operator, "value": value} for name, operator, value in where
        ]
        filters += [
            {"propertyName": self._key, "operator": "HAS_PROPERTY"},
            {"propertyName": "hs_task_status", "operator": "EQ", "value": COMPLETED},
        ]
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": order, "direction": "ASCENDING"}],
            "properties": ["hs_task_body", _MODIFIED],
            "limit": PAGE,
        }
        return accepted(await self._api.post(f"{_TASKS}/search", body)).accepted_as(Batch).results


def _ended(found: list[Object]) -> tuple[CrmTaskEnded, ...]:
    return tuple(CrmTaskEnded(each.id, each.properties.get("hs_task_body") or None) for each in found)
