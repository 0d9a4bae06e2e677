"""Salesforce, as its API behaves: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest (seen 2026-11)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from deploy.simulator.crm_records import Stored, Tables
from deploy.simulator.exchange import Fault, Reply, Request

CLIENT = "3MVG9clientid"
SECRET = "consumer-secret"
USER = {"Id": "005000000000077", "Email": "kim@example.com", "Name": "Kim Ito"}
BATCH = 200
_SYSTEM = {"Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "CreatedDate"}
FIELDS: dict[str, set[str]] = {
    "Contact": {
        *("FirstName", "LastName", "Email", "AccountId", "OwnerId", "Plan__c", "Seats__c", "Trial__c", "Renewal__c"),
        *("Perennia_Id__c", "Perennia_Stage__c"),
        *("Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "AssistantName", "Fax", "Title"),
        *(
            "Department",
            "Birthdate",
            "Description",
            "MailingStreet",
            "MailingCity",
            "MailingPostalCode",
            "MailingState",
        ),
        *("MailingCountry", "OtherStreet", "OtherCity", "OtherPostalCode", "OtherState", "OtherCountry"),
    },
    "Account": {
        *("Name", "Website", "OwnerId", "Plan__c", "Seats__c", "Perennia_Id__c", "Perennia_Stage__c", "Phone", "Fax"),
        *("Description", "BillingStreet", "BillingCity", "BillingPostalCode", "BillingState", "BillingCountry"),
        *("ShippingStreet", "ShippingCity", "ShippingPostalCode", "ShippingState", "ShippingCountry"),
    },
    "Task": {
        *("Subject", "Description", "Status", "WhoId", "WhatId", "Perennia_Key__c", "IsClosed", "Priority"),
        *("ActivityDate", "OwnerId"),
    },
}
REQUIRED = {"Contact": "LastName", "Account": "Name"}
PREFIXES = {"Contact": "003", "Account": "001", "Task": "00T"}
NUMBERS = {"Seats__c"}
_SOQL = re.compile(
    r"SELECT (?P<names>.+?) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?P<order> ORDER BY SystemModstamp, Id)?(?: LIMIT (?P<limit>\d+))?"
)


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @property
    def problem(self) -> dict[str, Any]:
        return {"statusCode": self.code, "message": self.message, "fields": []}


class SalesforceTables(Tables):
    def new_id(self, type_: str) -> str:
        return f"{PREFIXES[type_]}{int(super().new_id(type_)):012}AAA"


class Salesforce:
    """``sessions``: tokens that are good. ``assertions``: with which somebody came by JWT, unchecked."""

    name = "salesforce"

    def __init__(self, key: str = f"{CLIENT}:{SECRET}") -> None:
        self.key = key
        self.sessions: set[str] = set()
        self.assertions: list[str] = []
        self.tables: Tables = SalesforceTables(
            unique={
                "Contact": {"Perennia_Id__c"},
                "Account": {"Perennia_Id__c"},
                "Task": {"Perennia_Key__c"},
            }
        )

    def sends(self, request: Request) -> bool:
        return request.path.startswith("/services/data")

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        if request.path == "/services/oauth2/token":
            return self._grant(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.sessions:
            return _error(Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid"))
        match fault:
            case Fault.THROTTLED:
                said = Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
                return _error(said, {"Retry-After": "7"})
            case Fault.OVERLOADED:
                return _error(Refusal(503, "SERVER_UNAVAILABLE", "Server unavailable"))
            case _:
                pass
        self.tables.tick()
        try:
            return self._served(request)
        except Refusal as refusal:
            return _error(refusal)

    def _grant(self, request: Request) -> Reply:
        told = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        client, _, secret = self.key.partition(":")
        if told["grant_type"] == "client_credentials":
            if (told.get("client_id"), told.get("client_secret")) != (client, secret):
                return Reply(400, {"error": "invalid_client_id", "error_description": "client identifier invalid"})
        else:
            self.assertions.append(told["assertion"])
        token = f"00D!{len(self.sessions)}"
        self.sessions.add(token)
        return Reply(
            200, {"access_token": token, "instance_url": "https://acme.my.salesforce.com", "token_type": "Bearer"}
        )

    def _served(self, request: Request) -> Reply:
        path = re.sub(r"^/services/data/v[\d.]+/", "", request.path).strip("/")
        match (request.method, *path.split("/")):
            case ("GET", "query" | "queryAll" as how):
                return self._query(parse_qs(request.query)["q"][0], everything=how == "queryAll")
            case ("GET", "sobjects", object_, "describe"):
                fields = [
                    {"name": name, "externalId": name.startswith("Perennia_")} for name in sorted(FIELDS[object_])
                ]
                return Reply(200, {"name": object_, "fields": fields})
            case ("PATCH", "composite", "sobjects", *where):
                return self._composite(where, request.json)
            case ("POST", "sobjects", object_):
                return _saved(201, self._make(object_, request.json).id, created=True)
            case ("GET", "sobjects", object_, id_):
                return Reply(200, self._shown(self._found(object_, id_)))
            case ("PATCH", "sobjects", object_, id_):
                self._change(object_, self._found(object_, id_), request.json)
                return Reply(204)
            case ("PATCH", "sobjects", object_, field, value):
                stored, created = self._upsert(object_, field, value, request.json)
                return _saved(201 if created else 200, stored.id, created=created)
            case ("DELETE", "sobjects", object_, id_):
                self.tables.delete(self._found(object_, id_))
                return Reply(204)
            case _:
                raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")

    # --- writing ---

    def _composite(self, where: list[str], told: dict[str, Any]) -> Reply:
        records: list[dict[str, Any]] = told["records"]
        if len(records) > BATCH:
            raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", "record limit reached")
        for each in records:
            _refuse_unknown(each["attributes"]["type"], each)  # before any of them is written
        return Reply(200, json.dumps([self._one_of_many(where, each) for each in records]))

    def _one_of_many(self, where: list[str], each: dict[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in each.items() if name not in ("attributes", "id")}
        object_ = each["attributes"]["type"]
        try:
            if where:
                field = where[1]
                stored, created = self._upsert(object_, field, values.pop(field), values)
            else:
                stored, created = self._found(object_, each["id"]), False
                self._change(object_, stored, values)
        except Refusal as refusal:
            return {"success": False, "errors": [refusal.problem]}
        return {"id": stored.id, "success": True, "errors": [], "created": created}

    def _upsert(self, object_: str, field: str, value: str, values: dict[str, Any]) -> tuple[Stored, bool]:
        found = self.tables.by(object_, field, value)
        if found is None:
            return self._make(object_, {**values, field: value}), True
        self._change(object_, found, values)
        return found, False

    def _make(self, object_: str, values: dict[str, Any]) -> Stored:
        _refuse_unknown(object_, values)
        required = REQUIRED.get(object_)
        if required is not None and not values.get(required):
            raise Refusal(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{required}]")
        self._refuse_taken(object_, values, None)
        about = [values[name] for name in ("WhoId", "WhatId") if values.get(name)]
        for id_ in about:
            self._found("Contact" if id_.startswith("003") else "Account", id_)
        return self.tables.make(object_, _numbers(values), about)

    def _change(self, object_: str, stored: Stored, values: dict[str, Any]) -> None:
        _refuse_unknown(object_, values)
        self._refuse_taken(object_, values, stored.id)
        self.tables.change(stored, _numbers(values))

    def _refuse_taken(self, object_: str, values: dict[str, Any], but: str | None) -> None:
        taken = self.tables.taken(object_, values, but)
        if taken is not None:
            message = f"duplicate value found: {taken[0]} duplicates value on record with id: {taken[1].id}"
            raise Refusal(400, "DUPLICATE_VALUE", message)

    def _found(self, object_: str, id_: str) -> Stored:
        found = self.tables.of.get(object_, {}).get(id_)
        if found is None:
            raise Refusal(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        if found.gone:
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted")
        return found

    # --- reading ---

    def _query(self, query: str, *, everything: bool) -> Reply:
        """The few forms of SOQL that are asked here."""
        read = _SOQL.fullmatch(query)
        if read is None:
            raise Refusal(400, "MALFORMED_QUERY", "unexpected token")
        names = read["names"].split(", ")
        if read["object"] == "User":
            return _found_rows([{"attributes": {"type": "User"}, **{name: USER[name] for name in names}}])
        _refuse_unknown(read["object"], dict.fromkeys(names))
        records = list(self.tables.of.get(read["object"], {}).values())
        found = [each for each in records if (everything or not each.gone) and _holds(read["where"], self._shown(each))]
        if read["order"]:
            found.sort(key=lambda each: (_stamp(each.changed), each.id))
        found = found[: int(read["limit"] or 2_000)]
        shown = [self._shown(each) for each in found]
        rows = [{"attributes": {"type": read["object"]}, **{name: row.get(name) for name in names}} for row in shown]
        return _found_rows(rows)

    def _shown(self, each: Stored) -> dict[str, Any]:
        own = {
            "Id": each.id,
            "SystemModstamp": _stamp(each.changed),
            "IsDeleted": each.gone,
            "MasterRecordId": each.merged_into,
        }
        return {**each.fields, **own, "IsClosed": each.fields.get("Status") == "Completed"}


def _holds(where: str | None, row: dict[str, Any]) -> bool:
    if where is None:
        return True
    among = re.fullmatch(r"(\w+) IN \((.*)\)", where)
    if among is not None:
        names = [re.sub(r"\\(.)", r"\1", each) for each in re.findall(r"'((?:[^'\\]|\\.)*)'", among[2])]
        held = row.get(among[1])
        return any(str(held).lower() == name.lower() for name in names) if held is not None else False
    later = re.search(r"SystemModstamp > (\S+?)(?: OR \(SystemModstamp = \S+ AND Id > '(\w+)'\)\))?$", where)
    if later is None:
        raise Refusal(400, "MALFORMED_QUERY", "not simulated")
    at = later[1].replace("Z", "+0000")
    return row["SystemModstamp"] > at or (row["SystemModstamp"] == at and later[2] is not None and row["Id"] > later[2])


def _refuse_unknown(object_: str, values: dict[str, Any]) -> None:
    for name in values:
        if name not in FIELDS[object_] | _SYSTEM | {"attributes", "id"}:
            raise Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {object_}")


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if name in NUMBERS and value is not None else value for name, value in values.items()}


def _stamp(at: datetime) -> str:
    """Salesforce counts whole seconds here: many records have one instant."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _found_rows(rows: list[dict[str, Any]]) -> Reply:
    return Reply(200, {"totalSize": len(rows), "done": True, "records": rows})


def _saved(status: int, id_: str, *, created: bool) -> Reply:
    return Reply(status, {"id": id_, "success": True, "errors": [], "created": created})


def _error(refusal: Refusal, headers: dict[str, str] | None = None) -> Reply:
    return Reply(refusal.status, json.dumps([{"errorCode": refusal.code, "message": refusal.message}]), headers or {})
