"""HubSpot, as its API behaves: https://developers.hubspot.com/docs/api-reference/overview (seen 2026-11)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from deploy.simulator.crm_records import Stored, Tables
from deploy.simulator.exchange import Fault, Reply, Request

TOKEN = "pat-eu1-0a1b2c3d"
OWNER = {"id": "77", "email": "kim@example.com", "firstName": "Kim", "lastName": "Ito", "archived": False}
BATCH = 100

_TEXT = {"type": "string", "fieldType": "text"}
_OWN = {
    "createdate": {"type": "datetime", "fieldType": "date"},
    "hs_object_id": {"type": "number", "fieldType": "number"},
    "hs_merged_object_ids": {"type": "enumeration", "fieldType": "checkbox"},
    "hubspot_owner_id": {"type": "enumeration", "fieldType": "select"},
    "lifecyclestage": {"type": "enumeration", "fieldType": "radio"},
    "perennia_id": _TEXT,
}
PROPERTIES: dict[str, dict[str, dict[str, str]]] = {
    "contacts": {
        **_OWN,
        **dict.fromkeys(("email", "firstname", "lastname", "associatedcompanyid", "plan"), _TEXT),
        "seats": {"type": "number", "fieldType": "number"},
        "trial": {"type": "bool", "fieldType": "booleancheckbox"},
        "renewal": {"type": "date", "fieldType": "date"},
        "interests": {"type": "enumeration", "fieldType": "checkbox"},
        "lastmodifieddate": {"type": "datetime", "fieldType": "date"},
    },
    "companies": {
        **_OWN,
        **dict.fromkeys(("name", "domain", "plan"), _TEXT),
        "seats": {"type": "number", "fieldType": "number"},
        "hs_lastmodifieddate": {"type": "datetime", "fieldType": "date"},
    },
    "notes": dict.fromkeys(("hs_note_body", "hs_timestamp", "perennia_key"), _TEXT),
    "tasks": dict.fromkeys(
        (
            *("hs_task_subject", "hs_task_body", "hs_task_status", "hs_task_type", "hs_task_priority", "hs_timestamp"),
            *("hubspot_owner_id", "perennia_key"),
        ),
        _TEXT,
    ),
}
STAGES = ["subscriber", "lead", "opportunity", "customer", "evangelist"]


class Refusal(Exception):
    def __init__(self, status: int, category: str, message: str) -> None:
        super().__init__(message)
        self.reply = _error(status, category, message)


class HubSpot:
    name = "hubspot"

    def __init__(self, key: str = TOKEN) -> None:
        self.key = key
        self.tables = Tables(
            unique={
                "contacts": {"perennia_id", "email"},
                "companies": {"perennia_id"},
                "notes": {"perennia_key"},
                "tasks": {"perennia_key"},
            }
        )

    def sends(self, request: Request) -> bool:
        return request.path.startswith("/crm/v3/objects/")

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        match fault:
            case Fault.THROTTLED:
                said = {"policyName": "SECONDLY", "errorType": "RATE_LIMIT"}
                return _error(429, "RATE_LIMITS", "You have reached your secondly limit.", {"Retry-After": "7"}, said)
            case Fault.OVERLOADED:
                return _error(503, "SERVICE_UNAVAILABLE", "The service is unavailable.")
            case _:
                pass
        self.tables.tick()
        try:
            return self._served(request)
        except Refusal as refusal:
            return refusal.reply

    def _served(self, request: Request) -> Reply:
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        match (request.method, *request.path.strip("/").split("/")):
            case ("GET", "crm", "v3", "properties", type_):
                return Reply(200, {"results": [{"name": name, **kind} for name, kind in PROPERTIES[type_].items()]})
            case ("GET", "crm", "v3", "owners"):
                return Reply(200, {"results": [OWNER]})
            case ("POST", "crm", "v4", "associations", "contacts", "companies", "batch", "create"):
                return self._associate(request.json)
            case ("POST", "crm", "v3", "objects", type_, "batch", act):
                return self._batch(type_, act, request.json)
            case ("POST", "crm", "v3", "objects", type_, "search"):
                return self._search(type_, request.json)
            case ("POST", "crm", "v3", "objects", "contacts", "gdpr-delete"):
                return self._purge(request.json)
            case ("POST", "crm", "v3", "objects", type_, "merge"):
                return self._merge(type_, request.json)
            case ("POST", "crm", "v3", "objects", type_):
                told = request.json
                about = [str(each["to"]["id"]) for each in told.get("associations") or ()]
                return Reply(201, self._shown(type_, self._make(type_, told["properties"], about), None))
            case ("GET", "crm", "v3", "objects", type_):
                return self._list(type_, query)
            case (method, "crm", "v3", "objects", type_, id_):
                return self._one(method, type_, id_, query, request)
            case _:
                return _error(404, "OBJECT_NOT_FOUND", "resource not found")

    # --- one object ---

    def _one(self, method: str, type_: str, id_: str, query: Mapping[str, str], request: Request) -> Reply:
        found = self._found(type_, id_, query.get("idProperty"))
        if found is None:
            if method == "DELETE":
                return Reply(204)
            raise Refusal(404, "OBJECT_NOT_FOUND", f"Object not found. objectId are usually numeric. {type_}")
        match method:
            case "GET":
                asked = query.get("properties", "").split(",") if "properties" in query else None
                return Reply(200, self._shown(type_, found, asked))
            case "PATCH":
                self._change(type_, found, request.json["properties"])
                return Reply(200, self._shown(type_, found, list(request.json["properties"])))
            case "DELETE":
                self.tables.delete(found)
                return Reply(204)
            case _:
                return _error(405, "METHOD_NOT_ALLOWED", "Method not allowed")

    def _found(self, type_: str, id_: str, prop: str | None) -> Stored | None:
        """A merged record is answered as what it became."""
        if prop is not None:
            return self.tables.by(type_, prop, id_)
        found = self.tables.of.get(type_, {}).get(id_)
        while found is not None and found.merged_into is not None:
            found = self.tables.of[type_][found.merged_into]
        return None if found is None or found.gone else found

    def _make(self, type_: str, properties: dict[str, Any], about: list[str] | None = None) -> Stored:
        values = _checked(type_, properties)
        self._refuse_taken(type_, values, None)
        for each in about or ():
            if not any(self._found(other, each, None) for other in ("contacts", "companies")):
                raise Refusal(404, "OBJECT_NOT_FOUND", f"Associated object {each} does not exist")
        return self.tables.make(type_, values, about)

    def _change(self, type_: str, stored: Stored, properties: dict[str, Any]) -> None:
        values = _checked(type_, properties)
        self._refuse_taken(type_, values, stored.id)
        before, after = stored.fields.get("lifecyclestage"), values.get("lifecyclestage")
        if before and after and STAGES.index(after) < STAGES.index(before):
            del values["lifecyclestage"]  # silently: it only moves forward
        self.tables.change(stored, values)

    def _refuse_taken(self, type_: str, values: dict[str, Any], but: str | None) -> None:
        taken = self.tables.taken(type_, values, but)
        if taken is None:
            return
        name, other = taken
        if name == "email":
            raise Refusal(409, "CONFLICT", f"Contact already exists. Existing ID: {other.id}")
        where = f"PropertyValueCoordinates{{portalId=1, propertyName={name}}}"
        message = f"Cannot set {where} on new. {other.id} already has that value."
        raise Refusal(400, "VALIDATION_ERROR", message)

    # --- many ---

    def _batch(self, type_: str, act: str, told: dict[str, Any]) -> Reply:
        inputs: list[dict[str, Any]] = told["inputs"]
        ids = [each.get("id") for each in inputs]
        if len(inputs) > BATCH:
            raise Refusal(400, "VALIDATION_ERROR", f"Batch size is limited to {BATCH}")
        if len(set(ids)) != len(ids) and act != "create":
            raise Refusal(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
        if act == "read":
            return self._read_batch(type_, told)
        before = deepcopy(self.tables.of)
        try:
            results = [self._written(type_, act, each) for each in inputs]
        except Refusal:
            self.tables.of = before  # all or nothing
            raise
        return _completed([{**self._shown(type_, stored, None), "new": new} for stored, new in reversed(results)])

    def _written(self, type_: str, act: str, each: dict[str, Any]) -> tuple[Stored, bool]:
        if act == "create":
            return self._make(type_, each["properties"]), True
        prop = str(each.get("idProperty"))
        if prop == "hs_object_id":
            raise Refusal(400, "VALIDATION_ERROR", f"Unable to perform update/upsert by non-unique property {prop}")
        found = self._found(type_, each["id"], prop if "idProperty" in each else None)
        if found is None and act == "update":
            raise Refusal(404, "OBJECT_NOT_FOUND", f"Could not find some CONTACT objects, IDs include: {each['id']}")
        if found is None:
            return self._make(type_, {**each["properties"], prop: each["id"]}), True
        self._change(type_, found, each["properties"])
        return found, False

    def _read_batch(self, type_: str, told: dict[str, Any]) -> Reply:
        found = [self._found(type_, each["id"], told.get("idProperty")) for each in told["inputs"]]
        shown = [self._shown(type_, each, told.get("properties")) for each in found if each is not None]
        reply = _completed(list({each["id"]: each for each in shown}.values()))
        missing = [each["id"] for each, one in zip(told["inputs"], found, strict=True) if one is None]
        if not missing:
            return reply
        assert isinstance(reply.body, Mapping)
        context = {"ids": missing}
        errors = [
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some objects",
                "context": context,
            }
        ]
        return Reply(207, {**reply.body, "numErrors": 1, "errors": errors})

    def _search(self, type_: str, told: dict[str, Any]) -> Reply:
        modified = "lastmodifieddate" if type_ == "contacts" else "hs_lastmodifieddate"
        living = self.tables.living(type_)
        for each in told["filterGroups"][0]["filters"]:
            if each["propertyName"] in ("perennia_key", "hs_task_status"):
                wanted = each.get("value")  # none: HAS_PROPERTY
                held = [(one, one.fields.get(each["propertyName"])) for one in living]
                living = [one for one, value in held if value and wanted in (None, value)]
                continue
            if each["propertyName"] not in (modified, "hs_object_id"):
                raise Refusal(400, "VALIDATION_ERROR", "not simulated")
            read = _milliseconds if each["propertyName"] == modified else _number
            bound = int(each["value"])
            living = [one for one in living if (read(one) > bound if each["operator"] == "GT" else read(one) == bound)]
        order = told["sorts"][0]["propertyName"]
        # Those of one moment come in no order that anybody promised.
        living.sort(key=lambda each: (_milliseconds(each), -_number(each)) if order == modified else (_number(each), 0))
        limit = min(int(told.get("limit", 10)), 200)
        shown = [self._shown(type_, each, told.get("properties")) for each in living[:limit]]
        return Reply(200, {"total": len(living), "results": shown})

    def _list(self, type_: str, query: Mapping[str, str]) -> Reply:
        archived = query.get("archived", "").lower() == "true"  # their own client writes True
        after, limit = int(query.get("after", "0")), int(query.get("limit", "10"))
        found = [
            each
            for each in self.tables.of.get(type_, {}).values()
            if each.gone is archived and each.merged_into is None and int(each.id) > after
        ]
        asked = query["properties"].split(",") if "properties" in query else None
        body: dict[str, Any] = {"results": [self._shown(type_, each, asked) for each in found[:limit]]}
        if len(found) > limit:
            body["paging"] = {"next": {"after": found[limit - 1].id, "link": "?after="}}
        return Reply(200, body)

    def _merge(self, type_: str, told: dict[str, str]) -> Reply:
        winner, loser = (self._found(type_, told[name], None) for name in ("primaryObjectId", "objectIdToMerge"))
        if winner is None or loser is None:
            raise Refusal(404, "OBJECT_NOT_FOUND", "resource not found")
        self.tables.merge(winner, loser)
        return Reply(200, self._shown(type_, winner, None))

    def _purge(self, told: dict[str, str]) -> Reply:
        """For good: not even the list of what was archived has it."""
        found = self._found("contacts", told["objectId"], told.get("idProperty"))
        if found is None:
            raise Refusal(404, "OBJECT_NOT_FOUND", "resource not found")
        self.tables.purge("contacts", found)
        return Reply(204)

    def _associate(self, told: dict[str, Any]) -> Reply:
        for each in told["inputs"]:
            contact = self._found("contacts", str(each["from"]["id"]), None)
            if contact is None or self._found("companies", str(each["to"]["id"]), None) is None:
                raise Refusal(404, "OBJECT_NOT_FOUND", "object not found")
            if contact.fields.get("associatedcompanyid") != each["to"]["id"]:
                self.tables.change(contact, {"associatedcompanyid": str(each["to"]["id"])})
        return _completed([])

    def _shown(self, type_: str, each: Stored, asked: list[str] | None) -> dict[str, Any]:
        at = _iso(each.changed)
        modified = "lastmodifieddate" if type_ == "contacts" else "hs_lastmodifieddate"
        own = {"createdate": _iso(self.tables.now), modified: at, "hs_object_id": each.id}
        merged = {"hs_merged_object_ids": ";".join(each.merged)} if each.merged else {}
        held = {name: value for name, value in each.fields.items() if value != ""} | merged
        shown = held if asked is None else {name: held.get(name) for name in asked if name in PROPERTIES[type_]}
        return {"id": each.id, "properties": {**shown, **own}, "createdAt": at, "updatedAt": at, "archived": each.gone}


def _checked(type_: str, properties: dict[str, Any]) -> dict[str, Any]:
    """As HubSpot stores them: text."""
    values: dict[str, Any] = {}
    for name, value in properties.items():
        kind = PROPERTIES[type_].get(name)
        text = "" if value is None else str(value)
        if kind is None:
            said = json.dumps([{"isValid": False, "message": f'Property "{name}" does not exist', "name": name}])
            raise Refusal(400, "VALIDATION_ERROR", f"Property values were not valid: {said}")
        if kind["type"] == "number" and text and not re.fullmatch(r"-?\d+(\.\d+)?", text):
            raise Refusal(400, "VALIDATION_ERROR", f"Property values were not valid: {name} is no number")
        if kind["type"] == "bool" and text not in ("", "true", "false"):
            raise Refusal(400, "VALIDATION_ERROR", f"Property values were not valid: {name} is no option")
        values[name] = text.lower() if name == "email" else text
    return values


def _milliseconds(each: Stored) -> int:
    return round(each.changed.timestamp() * 1000)


def _number(each: Stored) -> int:
    return int(each.id)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _completed(results: list[dict[str, Any]]) -> Reply:
    at = "2026-03-02T10:00:00.000Z"
    return Reply(200, {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at})


def _error(
    status: int,
    category: str,
    message: str,
    headers: dict[str, str] | None = None,
    more: dict[str, str] | None = None,
) -> Reply:
    id_ = "aeb5f871-7f07-4993-9211-075dc63e7cbf"
    return Reply(
        status,
        {"status": "error", "message": message, "correlationId": id_, "category": category, **(more or {})},
        headers or {},
    )
