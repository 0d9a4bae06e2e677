"""HubSpot: ``hubspot:PRIVATE_APP_TOKEN``.

https://developers.hubspot.com/docs/api-reference/overview (seen 2026-11). Options: ``key``, the unique property of contacts and
companies that holds our key; ``activity_key``, the unique one of notes and tasks; ``stage``, the property that `stage` sets.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

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
from perennia.providers.failures import Refused
from perennia.providers.hubspot_activities import HubSpotActivities
from perennia.providers.hubspot_replies import (
    LAG,
    TAKEN,
    Batch,
    Object,
    Owners,
    Properties,
    accepted,
    failure,
    milliseconds,
    position,
)
from perennia.providers.hubspot_values import from_hubspot, to_hubspot
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url

OBJECTS: Final[dict[Kind, str]] = {"contact": "contacts", "account": "companies"}
_MODIFIED: Final[dict[Kind, str]] = {"contact": "lastmodifieddate", "account": "hs_lastmodifieddate"}
_COMPANY: Final = "associatedcompanyid"
_MERGED: Final = "hs_merged_object_ids"
PAGE: Final = 100
TYPES_KEPT_SECONDS: Final = 600.0
_PRIMARY_COMPANY: Final = 1


def from_url(url: str, _file: Path) -> HubSpotCrm:
    """The adapter's entry point."""
    return HubSpotCrm(parse_web_url(url, "hubspot:PRIVATE_APP_TOKEN", options=("key", "activity_key", "stage")))


class HubSpotCrm:
    """Passes the CRM conformance suite."""

    name = "hubspot"
    capabilities = CrmCapabilities(batch=PAGE)

    def __init__(self, url: WebUrl) -> None:
        self._api = WebApi("HubSpot", "https://api.hubapi.com", url, {"Authorization": f"Bearer {url.key}"})
        self._key = url.options.get("key", "perennia_id")
        self.tasks = HubSpotActivities(self._api, url.options.get("activity_key", "perennia_key"))
        self._stage = url.options.get("stage", "lifecyclestage")
        self._types: dict[Kind, tuple[float, Mapping[str, str]]] = {}

    # --- writing ---

    async def write(self, write: CrmWrite) -> str | None:
        if write.kind == "set":
            (done,) = await self.upsert([CrmUpsert(write.record, write.ref, write.fields, email=write.email)])
            if done.refused is not None:
                raise done.refused
            return done.id
        found = await self._find(write)
        if write.kind == "stage":
            return await self._move(write.record, found, write.text or "")
        return await self._add(write, found)

    async def upsert(self, records: Sequence[CrmUpsert]) -> list[Upserted]:
        if not records:
            return []
        types = await self._property_types(records[0].record)
        done = dict(zip((each.ref for each in records), await self._upsert(records, types), strict=True))
        joined = [(id_, each.company) for each in records if each.company and (id_ := done[each.ref].id)]
        await self._join(joined)
        return [done[each.ref] for each in records]

    async def _upsert(self, records: Sequence[CrmUpsert], types: Mapping[str, str]) -> list[Upserted]:
        """One bad record fails its whole batch: so the batch is cut in two until it stands alone."""
        known = [each for each in records if each.id is not None]
        others = [each for each in records if each.id is None]
        if known and others:
            done = [*await self._upsert(known, types), *await self._upsert(others, types)]
            by_ref = dict(zip((each.ref for each in (*known, *others)), done, strict=True))
            return [by_ref[each.ref] for each in records]
        answer = await self._post_batch(records, types)
        if answer.accepted:
            return self._results(records, answer)
        if answer.status in (400, 404, 409) and len(records) > 1:
            half = len(records) // 2
            return [*await self._upsert(records[:half], types), *await self._upsert(records[half:], types)]
        problem = failure(answer)
        taken = TAKEN.search(answer.text)
        if taken is not None and records[0].id is None:
            return [await self._take_over(records[0], taken[1] or taken[2], types)]
        if isinstance(problem, Refused):
            return [Upserted(None, problem)]
        raise problem

    async def _post_batch(self, records: Sequence[CrmUpsert], types: Mapping[str, str]) -> Answer:
        path = f"/crm/v3/objects/{OBJECTS[records[0].record]}/batch"
        values = [self._properties(each, types) for each in records]
        if records[0].id is not None:
            inputs = [{"id": each.id, "properties": given} for each, given in zip(records, values, strict=True)]
            return await self._api.post(f"{path}/update", {"inputs": inputs})
        named = {"idProperty": self._key}
        inputs = [{**named, "id": each.ref, "properties": given} for each, given in zip(records, values, strict=True)]
        return await self._api.post(f"{path}/upsert", {"inputs": inputs})

    def _properties(self, each: CrmUpsert, types: Mapping[str, str]) -> dict[str, str]:
        given = {name: to_hubspot(value, types.get(name)) for name, value in each.fields.items()}
        if each.email is not None and "email" not in given:
            given["email"] = each.email
        return {**given, self._key: each.ref}

    def _results(self, records: Sequence[CrmUpsert], answer: Answer) -> list[Upserted]:
        """They come in any order: each says which it is by our key."""
        said = answer.accepted_as(Batch)
        by_key = {each.properties.get(self._key): each.id for each in said.results}
        missing = Refused("HubSpot took the others, not this one", reply=answer.text)
        return [Upserted(by_key[each.ref]) if each.ref in by_key else Upserted(None, missing) for each in records]

    async def _take_over(self, each: CrmUpsert, id_: str, types: Mapping[str, str]) -> Upserted:
        """The record that has this address already, where it is nobody else's."""
        found = await self.read(each.record, (), ids=[id_])
        if not found or found[0].ref not in (None, each.ref):
            return Upserted(None, Refused("HubSpot has another customer's record with this address"))
        (done,) = await self._upsert([replace(each, id=found[0].id)], types)
        return done

    async def _join(self, pairs: Iterable[tuple[str, str]]) -> None:
        kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _PRIMARY_COMPANY}]
        inputs = [{"from": {"id": contact}, "to": {"id": company}, "types": kinds} for contact, company in pairs]
        if inputs:
            accepted(await self._api.post("/crm/v4/associations/contacts/companies/batch/create", {"inputs": inputs}))

    async def _find(self, write: CrmWrite) -> str:
        """The record's id: by our key, else a contact's by its address, where that is nobody else's. Raises `Refused`."""
        found = await self.read(write.record, (), refs=[write.ref])
        if not found and write.record == "contact" and write.email:
            found = [each for each in await self._by("contact", (), [write.email], "email") if each.ref is None]
        if not found:
            raise Refused(f"HubSpot has no record of this {write.record}")
        return found[0].id

    async def _move(self, record: Kind, id_: str, stage: str) -> str:
        """HubSpot moves its lifecycle stage forward only, and says nothing otherwise: it is emptied first where it stayed."""
        path = f"/crm/v3/objects/{OBJECTS[record]}/{id_}"
        for properties in ({self._stage: stage}, {self._stage: ""}, {self._stage: stage}):
            answer = accepted(await self._api.patch(path, {"properties": properties}))
            if answer.accepted_as(Object).properties.get(self._stage) == stage:
                break
        return id_

    async def _add(self, write: CrmWrite, id_: str) -> str:
        said = (
            {"hs_note_body": write.text}
            if write.kind == "note"
            else {"hs_task_subject": write.text, "hs_task_status": "NOT_STARTED", "hs_task_type": "TODO"}
        )
        properties = {**said, "hs_timestamp": write.at.isoformat()}
        return await self.tasks.add(f"{write.kind}s", write.record, id_, write.idempotency_key, properties)

    # --- reading ---

    async def read(
        self, record: Kind, fields: Sequence[str], *, ids: Sequence[str] = (), refs: Sequence[str] = ()
    ) -> list[CrmRecord]:
        found = await self._by(record, fields, ids, None) if ids else []
        return [*found, *(await self._by(record, fields, refs, self._key) if refs else [])]

    async def _by(self, record: Kind, fields: Sequence[str], names: Sequence[str], prop: str | None) -> list[CrmRecord]:
        body: dict[str, object] = {
            "properties": self._asked(record, fields),
            "inputs": [{"id": name} for name in dict.fromkeys(names)],
        }
        if prop is not None:
            body["idProperty"] = prop
        answer = accepted(await self._api.post(f"/crm/v3/objects/{OBJECTS[record]}/batch/read", body))
        return await self._records(record, fields, answer.accepted_as(Batch).results)

    async def changes(self, record: Kind, fields: Sequence[str], cursor: str | None) -> CrmPage:
        """By time of change, and by id among those of one millisecond: the search has no other way past 10,000 results."""
        at, behind = position(cursor)
        if behind is not None:
            found = await self._search(record, fields, (("EQ", at), ("GT", behind)))
            if found:
                return CrmPage(tuple(await self._records(record, fields, found)), f"{at}:{found[-1].id}", done=False)
        found = await self._search(record, fields, (("GT", at),))
        stamps = [milliseconds(each.properties[_MODIFIED[record]]) for each in found]
        if len(found) < PAGE:
            end = stamps[-1] if stamps else at
            return CrmPage(tuple(await self._records(record, fields, found)), str(end), done=True)
        # The last millisecond of a full page may go on behind it.
        kept = [each for each, stamp in zip(found, stamps, strict=True) if stamp < stamps[-1]]
        at = milliseconds(kept[-1].properties[_MODIFIED[record]]) if kept else stamps[-1]
        return CrmPage(tuple(await self._records(record, fields, kept)), str(at) if kept else f"{at}:0", done=False)

    async def _search(self, record: Kind, fields: Sequence[str], where: tuple[tuple[str, int], ...]) -> list[Object]:
        names = (_MODIFIED[record], "hs_object_id")
        filters = [
            {"propertyName": name, "operator": operator, "value": str(value)}
            for name, (operator, value) in zip(names, where, strict=False)
        ]
        order = {"propertyName": names[len(where) - 1], "direction": "ASCENDING"}
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [order],
            "properties": [*self._asked(record, fields), _MODIFIED[record]],
            "limit": PAGE,
        }
        answer = accepted(await self._api.post(f"/crm/v3/objects/{OBJECTS[record]}/search", body))
        return answer.accepted_as(Batch).results

    def rewound(self, cursor: str) -> str:
        return str(max(0, position(cursor)[0] - LAG // timedelta(milliseconds=1)))

    async def gone(self, record: Kind, cursor: str | None) -> CrmPage:
        """HubSpot keeps what was deleted for 90 days, in no order of time."""
        after = f"&after={cursor}" if cursor else ""
        path = f"/crm/v3/objects/{OBJECTS[record]}?archived=true&limit={PAGE}{after}"
        said = accepted(await self._api.call("GET", path)).accepted_as(Batch)
        onward = said.paging.next.after if said.paging and said.paging.next else ""
        return CrmPage(tuple(CrmRecord(record, each.id, gone=True) for each in said.results), onward, done=not onward)

    async def owners(self) -> Mapping[str, CrmOwner]:
        found: dict[str, CrmOwner] = {}
        after = ""
        while True:
            answer = accepted(await self._api.call("GET", f"/crm/v3/owners/?limit={PAGE}{after}"))
            said = answer.accepted_as(Owners)
            for each in said.results:
                name = f"{each.first} {each.last}".strip()
                found[each.id] = CrmOwner(each.id, each.email, name or None)
            if said.paging is None or said.paging.next is None:
                return found
            after = f"&after={said.paging.next.after}"

    async def erase(self, record: Kind, id_: str) -> None:
        """Contacts by GDPR delete: for good, their history included. Companies go to the bin, for 90 days."""
        if record == "contact":
            answer = await self._api.post("/crm/v3/objects/contacts/gdpr-delete", {"objectId": id_})
        else:
            answer = await self._api.call("DELETE", f"/crm/v3/objects/{OBJECTS[record]}/{id_}")
        if answer.status not in (404, 410):
            accepted(answer)

    async def examine(self) -> str:
        for record in OBJECTS:
            self._types.pop(record, None)
            if self._key not in await self._property_types(record):
                raise Refused(
                    f"HubSpot's {OBJECTS[record]} have no property {self._key}; make one: single-line text, unique values"
                )
        return "HubSpot takes the token; contacts and companies have our key"

    async def close(self) -> None:
        await self._api.close()

    # --- properties ---

    def _asked(self, record: Kind, fields: Sequence[str]) -> list[str]:
        own = [self._key, _MERGED, *([_COMPANY] if record == "contact" else [])]
        return list(dict.fromkeys((*fields, *own)))

    async def _records(self, record: Kind, fields: Sequence[str], found: Sequence[Object]) -> list[CrmRecord]:
        types = await self._property_types(record)
        return [self._record(record, fields, each, types) for each in found]

    def _record(self, record: Kind, fields: Sequence[str], each: Object, types: Mapping[str, str]) -> CrmRecord:
        values: dict[str, Value] = {
            name: from_hubspot(text, types.get(name)) for name in fields if (text := each.properties.get(name))
        }
        merged = each.properties.get(_MERGED) or ""
        return CrmRecord(
            record,
            each.id,
            ref=each.properties.get(self._key) or None,
            fields=values,
            company=each.properties.get(_COMPANY) or None,
            merged=tuple(id_ for id_ in merged.split(";") if id_ and id_ != each.id),
            gone=each.archived,
        )

    async def _property_types(self, record: Kind) -> Mapping[str, str]:
        """What HubSpot takes and gives as text is something else to people: by property."""
        kept = self._types.get(record)
        if kept is not None and time.monotonic() - kept[0] < TYPES_KEPT_SECONDS:
            return kept[1]
        answer = accepted(await self._api.call("GET", f"/crm/v3/properties/{OBJECTS[record]}"))
        types = {
            each.name: "list" if each.form == "checkbox" else each.type
            for each in answer.accepted_as(Properties).results
        }
        self._types[record] = time.monotonic(), types
        return types
