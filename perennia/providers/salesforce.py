"""Salesforce, by its REST API: ``salesforce:CLIENT_ID:CLIENT_SECRET@acme.my.salesforce.com``, or with a key of one's own.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest (v62.0, seen 2026-11). Options: ``key``, the external id
field of contacts and accounts that holds our key; ``activity_key``, the unique one of tasks; ``stage``, the field that `stage`
sets; ``user`` and ``key_file`` for the JWT bearer flow (then without a secret), ``audience`` of a sandbox's; ``erase``: how a
contact is erased, ``delete`` or ``anonymise``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from perennia.providers.crm import (
    CrmCapabilities,
    CrmOwner,
    CrmPage,
    CrmRecord,
    CrmUpsert,
    CrmWrite,
    Kind,
    Upserted,
    Value,
)
from perennia.providers.failures import Misconfigured, Refused
from perennia.providers.salesforce_login import Login
from perennia.providers.salesforce_replies import (
    DATA,
    FIRST,
    PAGE,
    Described,
    Found,
    Saved,
    accepted,
    failure,
    literal,
    plain,
    quoted,
    rewound,
    taken,
    upserted,
)
from perennia.providers.salesforce_tasks import SalesforceTasks
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url

OBJECTS: Final[dict[Kind, str]] = {"contact": "Contact", "account": "Account"}
FORM: Final = "salesforce:CLIENT_ID:CLIENT_SECRET@acme.my.salesforce.com"
# Fields without which nothing is made.
_NAMES: Final[dict[Kind, str]] = {"contact": "LastName", "account": "Name"}
# What is emptied of whoever is anonymised: Salesforce's own fields of persons (Object Reference, seen 2026-11).
_PERSONAL: Final[dict[Kind, tuple[str, ...]]] = {
    "contact": (
        *(
            "FirstName",
            "Email",
            "Phone",
            "MobilePhone",
            "HomePhone",
            "OtherPhone",
            "AssistantPhone",
            "AssistantName",
            "Fax",
        ),
        *("Title", "Department", "Birthdate", "Description", "MailingStreet", "MailingCity", "MailingPostalCode"),
        *(
            "MailingState",
            "MailingCountry",
            "OtherStreet",
            "OtherCity",
            "OtherPostalCode",
            "OtherState",
            "OtherCountry",
        ),
    ),
    "account": (
        *(
            "Phone",
            "Fax",
            "Website",
            "Description",
            "BillingStreet",
            "BillingCity",
            "BillingPostalCode",
            "BillingState",
        ),
        *("BillingCountry", "ShippingStreet", "ShippingCity", "ShippingPostalCode", "ShippingState", "ShippingCountry"),
    ),
}
_ERASED: Final = "Erased"


def from_url(url: str, _file: Path) -> SalesforceCrm:
    """The adapter's entry point."""
    options = ("key", "activity_key", "stage", "user", "key_file", "audience", "erase")
    return SalesforceCrm(parse_web_url(url, FORM, options=options))


class SalesforceCrm:
    """Passes the CRM conformance suite."""

    name = "salesforce"
    capabilities = CrmCapabilities(batch=PAGE)

    def __init__(self, url: WebUrl) -> None:
        self._api = WebApi("Salesforce", f"https://{url.place}", url)
        self._login = Login(self._api, url)
        self._key = url.options.get("key", "Perennia_Id__c")
        activity_key = url.options.get("activity_key", "Perennia_Key__c")
        self.tasks = SalesforceTasks(activity_key, self._call, self._query)
        self._stage = url.options.get("stage", "Perennia_Stage__c")
        self._erase = url.options.get("erase", "delete")
        if self._erase not in ("delete", "anonymise"):
            raise Misconfigured("erase= is delete or anonymise")

    # --- writing ---

    async def write(self, write: CrmWrite) -> str | None:
        if write.kind == "set":
            (done,) = await self.upsert([CrmUpsert(write.record, write.ref, write.fields, email=write.email)])
            if done.refused is not None:
                raise done.refused
            return done.id
        found = await self._find(write)
        if write.kind == "stage":
            path = f"{DATA}/sobjects/{OBJECTS[write.record]}/{found}"
            accepted(await self._call("PATCH", path, {self._stage: write.text}))
            return found
        return await self._add(write, found)

    async def upsert(self, records: Sequence[CrmUpsert]) -> list[Upserted]:
        if not records:
            return []
        placed = await self._placed(records)
        ready = [each for each in placed if isinstance(each, CrmUpsert)]
        known = [each for each in ready if each.id is not None]
        done = dict(zip((each.ref for each in known), await self._written(known), strict=True))
        new = [each for each in ready if each.id is None]
        done |= zip((each.ref for each in new), await self._written(new), strict=True)
        return [done[each.ref] if isinstance(each, CrmUpsert) else each for each in placed]

    async def _placed(self, records: Sequence[CrmUpsert]) -> list[CrmUpsert | Upserted]:
        """Each with the id of the record that it is, or refused: Salesforce itself would make another of the same address."""
        kind = records[0].record
        missing = [each for each in records if each.id is None]
        by_key = {each.ref: each.id for each in await self.read(kind, (), refs=[each.ref for each in missing])}
        addresses = [each.email for each in missing if each.email and each.ref not in by_key]
        by_address = await self._by_address(addresses)
        placed: list[CrmUpsert | Upserted] = []
        for each in records:
            id_ = each.id or by_key.get(each.ref)
            named = None if id_ or not each.email else by_address.get(each.email.lower())
            if named is not None and named.ref is not None:
                placed.append(Upserted(None, Refused("Salesforce has another customer's record with this address")))
                continue
            placed.append(replace(each, id=id_ or (named.id if named else None)))
        return placed

    async def _by_address(self, addresses: Sequence[str]) -> dict[str, CrmRecord]:
        """By address in small letters; of several with one, one without our key."""
        if not addresses:
            return {}
        rows = await self._rows("contact", ["Email"], f"Email IN ({quoted(addresses)})", everything=False)
        found = [self._record("contact", ["Email"], row) for row in rows]
        found.sort(key=lambda each: (each.ref is None, each.id))
        return {str(each.fields.get("Email", "")).lower(): each for each in found}

    async def _written(self, records: Sequence[CrmUpsert]) -> list[Upserted]:
        """All of them known by id, or none. A field that Salesforce lacks fails the whole call: so it is cut in two."""
        if not records:
            return []
        object_ = OBJECTS[records[0].record]
        path = f"{DATA}/composite/sobjects"
        if records[0].id is None:
            path = f"{path}/{object_}/{self._key}"
        rows = [{"attributes": {"type": object_}, **self._values(each)} for each in records]
        answer = await self._call("PATCH", path, {"allOrNone": False, "records": rows})
        if answer.accepted:
            return [upserted(each) for each in answer.accepted_as(list[Saved])]
        if answer.status in (400, 404) and len(records) > 1:
            half = len(records) // 2
            return [*await self._written(records[:half]), *await self._written(records[half:])]
        problem = failure(answer)
        if isinstance(problem, Refused):
            return [Upserted(None, problem)]
        raise problem

    def _values(self, each: CrmUpsert) -> dict[str, Value]:
        values = {name: taken(value) for name, value in each.fields.items()}
        if each.email is not None and "Email" not in values:
            values["Email"] = each.email
        if each.company is not None:
            values["AccountId"] = each.company
        if each.id is not None:
            values["id"] = each.id
        elif not values.get(_NAMES[each.record]):
            values[_NAMES[each.record]] = each.email or each.ref
        return {**values, self._key: each.ref}

    async def _find(self, write: CrmWrite) -> str:
        """The record's id: by our key, else a contact's by its address, where that is nobody else's. Raises `Refused`."""
        found = await self.read(write.record, (), refs=[write.ref])
        if not found and write.record == "contact" and write.email:
            by_address = await self._by_address([write.email])
            found = [each for each in by_address.values() if each.ref is None]
        if not found:
            raise Refused(f"Salesforce has no record of this {write.record}")
        return found[0].id

    async def _add(self, write: CrmWrite, id_: str) -> str:
        """A note is a task that is done."""
        fields = {
            "Description": write.text or "",
            "Status": "Completed" if write.kind == "note" else "Not Started",
            "WhoId" if write.record == "contact" else "WhatId": id_,
        }
        return await self.tasks.add(write.idempotency_key, write.text or "", fields)

    # --- reading ---

    async def read(
        self, record: Kind, fields: Sequence[str], *, ids: Sequence[str] = (), refs: Sequence[str] = ()
    ) -> list[CrmRecord]:
        found: list[CrmRecord] = []
        if refs:
            rows = await self._rows(record, fields, f"{self._key} IN ({quoted(refs)})", everything=False)
            found += [self._record(record, fields, row) for row in rows]
        if ids:
            found += await self._followed(record, fields, await self._rows(record, fields, f"Id IN ({quoted(ids)})"))
        return [each for each in found if not each.gone]

    async def changes(self, record: Kind, fields: Sequence[str], cursor: str | None) -> CrmPage:
        at, _, behind = (cursor or FIRST).partition("|")
        later = f"SystemModstamp > {at}"
        if behind:
            later = f"({later} OR (SystemModstamp = {at} AND Id > '{behind}'))"
        rows = await self._rows(record, fields, f"{later} ORDER BY SystemModstamp, Id LIMIT {PAGE}")
        if rows:
            cursor = f"{literal(rows[-1]['SystemModstamp'])}|{rows[-1]['Id']}"
        found = await self._followed(record, fields, rows)
        return CrmPage(tuple(found), cursor or FIRST, done=len(rows) < PAGE)

    def rewound(self, cursor: str) -> str:
        return rewound(cursor)

    async def gone(self, record: Kind, cursor: str | None) -> CrmPage:
        """`changes` tells of them."""
        del record, cursor
        return CrmPage((), "", done=True)

    async def owners(self) -> Mapping[str, CrmOwner]:
        query = "SELECT Id, Email, Name FROM User WHERE IsActive = true"
        return {row["Id"]: CrmOwner(row["Id"], row["Email"], row["Name"]) for row in await self._query("query", query)}

    async def erase(self, record: Kind, id_: str) -> None:
        """A contact is deleted (bins are emptied after 15 days) or emptied; an account is emptied: contacts hang on it."""
        path = f"{DATA}/sobjects/{OBJECTS[record]}/{id_}"
        if record == "contact" and self._erase == "delete":
            answer = await self._call("DELETE", path)
        else:
            empty = dict.fromkeys((*_PERSONAL[record], self._key))
            answer = await self._call("PATCH", path, {**empty, _NAMES[record]: _ERASED})
        if answer.status != 404:
            accepted(answer)

    async def examine(self) -> str:
        for object_ in OBJECTS.values():
            answer = accepted(await self._call("GET", f"{DATA}/sobjects/{object_}/describe"))
            if not any(each.name == self._key and each.external for each in answer.accepted_as(Described).fields):
                raise Refused(f"Salesforce's {object_} has no field {self._key}; make one: text, external id, unique")
        return "Salesforce lets us in; contacts and accounts have our key"

    async def close(self) -> None:
        await self._api.close()

    async def _rows(
        self, record: Kind, fields: Sequence[str], where: str, *, everything: bool = True
    ) -> list[dict[str, Any]]:
        """``everything``: those that were deleted, too."""
        own = ["Id", self._key, "SystemModstamp", "IsDeleted", "MasterRecordId"]
        own += ["AccountId"] if record == "contact" else []
        names = ", ".join(dict.fromkeys((*own, *fields)))
        query = f"SELECT {names} FROM {OBJECTS[record]} WHERE {where}"  # noqa: S608 - SOQL; values are quoted
        return await self._query("queryAll" if everything else "query", query)

    async def _query(self, how: str, query: str) -> list[dict[str, Any]]:
        path: str | None = f"{DATA}/{how}/?q={quote(query)}"
        rows: list[dict[str, Any]] = []
        while path is not None:
            said = accepted(await self._call("GET", path)).accepted_as(Found)
            rows += said.records
            path = said.next
        return rows

    async def _followed(self, record: Kind, fields: Sequence[str], rows: Iterable[dict[str, Any]]) -> list[CrmRecord]:
        """In their order; what was merged into another is told by that one."""
        became: dict[str, list[str]] = {}
        living: dict[str, dict[str, Any]] = {}
        found: list[CrmRecord] = []
        for row in rows:
            if row["MasterRecordId"]:
                became.setdefault(row["MasterRecordId"], []).append(row["Id"])
            elif row["IsDeleted"]:
                found.append(CrmRecord(record, row["Id"], gone=True))
            else:
                living[row["Id"]] = row
        others = [id_ for id_ in became if id_ not in living]
        if others:
            living |= {
                row["Id"]: row
                for row in await self._rows(record, fields, f"Id IN ({quoted(others)})", everything=False)
            }
        told = [self._record(record, fields, row, tuple(became.get(id_, ()))) for id_, row in living.items()]
        return [*told, *found]

    def _record(
        self, record: Kind, fields: Sequence[str], row: Mapping[str, Any], merged: tuple[str, ...] = ()
    ) -> CrmRecord:
        values = {name: plain(row[name]) for name in fields if row.get(name) is not None}
        return CrmRecord(
            record, row["Id"], ref=row[self._key] or None, fields=values, company=row.get("AccountId"), merged=merged
        )

    async def _call(self, method: str, path: str, body: object = None) -> Answer:
        """Sessions end when Salesforce likes: then there is another, once."""
        content = None if body is None else msgspec.json.encode(body)
        for again in (False, True):
            headers = {"Authorization": f"Bearer {await self._login.token()}", "Content-Type": "application/json"}
            answer = await self._api.call(method, path, content=content, headers=headers)
            if answer.status != 401 or again:
                return answer
            self._login.forget()
        raise AssertionError("unreachable")
