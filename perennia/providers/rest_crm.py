"""Any CRM with an HTTP API in JSON, by configuration: ``rest:KEY``, and the section ``rest`` of ``crm.yaml``.

What a call sends is written as it is sent, with ``{names}`` in the place of what differs: ``{id}``, ``{ref}``, ``{fields}`` ...
A text that is one name alone becomes the value itself, so that numbers stay numbers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
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
)
from perennia.providers.failures import Misconfigured, Refused, Unavailable, Unsupported
from perennia.providers.rest_configuration import Call, Records, RestApi, read_configuration
from perennia.providers.rest_values import instant_of, value_at, written
from perennia.providers.standard_webhooks import message_id
from perennia.providers.web_api import Answer, WebApi
from perennia.providers.web_urls import WebUrl, parse_web_url

FORM: Final = "rest:KEY"
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def from_url(url: str, file: Path) -> RestCrm:
    """The adapter's entry point."""
    return RestCrm(parse_web_url(url, FORM), read_configuration(file))


class RestCrm:
    """Passes the CRM conformance suite as far as its configuration goes."""

    name = "rest"
    tasks = None

    def __init__(self, url: WebUrl, configuration: RestApi) -> None:
        self._told = configuration
        self._api = WebApi("the CRM", configuration.base.rstrip("/"), url, _credentials(configuration, url.key))
        told: dict[Kind, Records | None] = {"contact": configuration.contact, "account": configuration.account}
        kinds = [each for each in told.values() if each is not None]
        self.capabilities = CrmCapabilities(
            notes=any(each.note for each in kinds),
            tasks=any(each.task for each in kinds),
            stages=any(each.stage for each in kinds),
            owners=False,
            deletions=False,
            batch=configuration.page,
            erasure=frozenset(kind for kind, each in told.items() if each is not None and each.erase is not None),
        )

    # --- writing ---

    async def write(self, write: CrmWrite) -> str | None:
        if write.kind == "set":
            (done,) = await self.upsert([CrmUpsert(write.record, write.ref, write.fields, email=write.email)])
            if done.refused is not None:
                raise done.refused
            return done.id
        records = self._records(write.record)
        found = await self.read(write.record, (), refs=[write.ref])
        if not found:
            raise Refused(f"the CRM has no record of this {write.record}")
        if write.kind == "stage":
            if records.stage is None:
                raise Unsupported("crm.yaml says no field for stages of this record (rest: stage)")
            await self._change(records, found[0].id, write.ref, {records.stage: write.text})
            return found[0].id
        call = records.note if write.kind == "note" else records.task
        if call is None:
            raise Unsupported(f"crm.yaml says no call for a {write.kind} (rest: {write.kind})")
        names = {"id": found[0].id, "text": write.text, "key": message_id(write.idempotency_key)}
        answer = await self._call(call, names)
        return _text(value_at(_json(answer), records.id))

    async def upsert(self, records: Sequence[CrmUpsert]) -> list[Upserted]:
        return [await self._upsert_one(each) for each in records]

    async def _upsert_one(self, each: CrmUpsert) -> Upserted:
        records = self._records(each.record)
        named = {"ids": [each.id]} if each.id is not None else {"refs": [each.ref]}
        fields = dict(each.fields)
        try:
            found = await self.read(each.record, (), **named)
            if found:
                # Some let nobody write a key that is there already.
                key = {} if found[0].ref == each.ref else {records.key: each.ref}
                await self._change(records, found[0].id, each.ref, {**fields, **key})
                return Upserted(found[0].id)
            if each.id is not None:
                return Upserted(None, Refused("the CRM has no such record"))
            answer = await self._call(records.create, {"ref": each.ref, "fields": {**fields, records.key: each.ref}})
            return Upserted(_text(value_at(_json(answer), records.id)))
        except Refused as refusal:
            return Upserted(None, refusal)

    async def _change(self, records: Records, id_: str, ref: str, fields: Mapping[str, Any]) -> None:
        if fields:
            await self._call(records.update, {"id": _number(id_), "ref": ref, "fields": dict(fields)})

    # --- reading ---

    async def read(
        self, record: Kind, fields: Sequence[str], *, ids: Sequence[str] = (), refs: Sequence[str] = ()
    ) -> list[CrmRecord]:
        records = self._records(record)
        found: list[CrmRecord] = []
        for id_ in ids:
            answer = await self._answer(records.read, {"id": _number(id_), "names": self._names(records, fields)})
            if answer.status not in (404, 410):
                found.append(self._record(record, records, fields, _json(_accepted(answer))))
        for ref in refs:
            rows = await self._rows(records, records.find, {"ref": ref, "names": self._names(records, fields)})
            found += [self._record(record, records, fields, row) for row in rows if value_at(row, records.key) == ref]
        return found

    async def changes(self, record: Kind, fields: Sequence[str], cursor: str | None) -> CrmPage:
        """A cursor is the instant from which on is asked, how many were given since, and the last instant seen."""
        records = self._records(record)
        since, offset, newest = _position(cursor)
        names = {
            "since": since,
            "offset": offset,
            "limit": self._told.page,
            "names": self._names(records, fields),
        }
        rows = await self._rows(records, records.list, names)
        stamps = [instant_of(row, records.changed) for row in rows]
        newest = max([newest, *(stamp for stamp in stamps if stamp is not None)])
        # What was there at the very instant of the cursor was told with it.
        fresh = [row for row, stamp in zip(rows, stamps, strict=True) if stamp is None or stamp > since]
        done = len(rows) < self._told.page
        told = f"{newest.isoformat()}|0|" if done else f"{since.isoformat()}|{offset + len(rows)}|{newest.isoformat()}"
        return CrmPage(tuple(self._record(record, records, fields, row) for row in fresh), told, done)

    def rewound(self, cursor: str) -> str:
        since, _, _ = _position(cursor)
        return f"{max(_BEGINNING + self._told.late, since) - self._told.late:%Y-%m-%dT%H:%M:%S.%f+00:00}|0|"

    async def gone(self, record: Kind, cursor: str | None) -> CrmPage:
        """It tells of none; one that cannot be read any more is found when it would be written to."""
        del record, cursor
        return CrmPage((), "", done=True)

    async def owners(self) -> Mapping[str, CrmOwner]:
        return {}

    async def erase(self, record: Kind, id_: str) -> None:
        call = self._records(record).erase
        if call is None:
            raise Unsupported(f"crm.yaml says no call that erases (rest: {record}: erase)")
        answer = await self._answer(call, {"id": _number(id_)})
        if answer.status not in (404, 410):
            _accepted(answer)

    async def examine(self) -> str:
        for kind in ("contact", "account"):
            records = self._told.contact if kind == "contact" else self._told.account
            if records is not None:
                await self._rows(records, records.find, {"ref": "perennia-examines", "names": self._names(records, ())})
        return f"the CRM at {self._told.base} answers"

    async def close(self) -> None:
        await self._api.close()

    def _records(self, kind: Kind) -> Records:
        records = self._told.contact if kind == "contact" else self._told.account
        if records is None:
            raise Misconfigured(f"crm.yaml says nothing of {kind}s (rest: {kind})")
        return records

    def _names(self, records: Records, fields: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*fields, records.id, records.key, *records.changed]))

    def _record(self, kind: Kind, records: Records, fields: Sequence[str], row: Any) -> CrmRecord:
        values = {name: value for name in fields if (value := value_at(row, name)) not in (None, "")}
        id_ = _text(value_at(row, records.id))
        if id_ is None:
            raise Misconfigured(f"the CRM's answer has no {records.id} (rest: id)")
        return CrmRecord(kind, id_, ref=_text(value_at(row, records.key)), fields=values)

    async def _rows(self, records: Records, call: Call, names: Mapping[str, Any]) -> list[Any]:
        rows = value_at(_json(await self._call(call, names)), records.items)
        if not isinstance(rows, list):
            raise Misconfigured(f'the CRM\'s answer has no list at "{records.items}" (rest: items)')
        return cast("list[Any]", rows)

    async def _call(self, call: Call, names: Mapping[str, Any]) -> Answer:
        return _accepted(await self._answer(call, names))

    async def _answer(self, call: Call, names: Mapping[str, Any]) -> Answer:
        path = str(written(call.path, {name: quote(str(value), safe="") for name, value in names.items()}))
        query = "&".join(_query(name, written(value, names)) for name, value in call.query.items())
        content = None if call.body is None else msgspec.json.encode(written(call.body, names))
        headers = {"Content-Type": "application/json"} if content is not None else {}
        return await self._api.call(call.method, f"{path}?{query}" if query else path, content=content, headers=headers)


def _credentials(configuration: RestApi, key: str) -> dict[str, str]:
    match configuration.auth:
        case "bearer":
            return {"Authorization": f"Bearer {key}", **configuration.headers}
        case "basic":
            return {"Authorization": f"Basic {b64encode(key.encode()).decode()}", **configuration.headers}
        case name:
            return {name.removeprefix("header "): key, **configuration.headers}


def _query(name: str, value: Any) -> str:
    """Lists are asked for by repeating the name; what is more than that is JSON."""
    if isinstance(value, list):
        return "&".join(f"{quote(name)}={quote(str(each), safe='')}" for each in cast("list[object]", value))
    return f"{quote(name)}={quote(value if isinstance(value, str) else msgspec.json.encode(value).decode(), safe='')}"


def _accepted(answer: Answer) -> Answer:
    if answer.accepted:
        return answer
    if answer.status in (404, 409, 410):
        raise Refused(f"the CRM refused it ({answer.status})", reply=answer.text)
    raise answer.failure()


def _json(answer: Answer) -> Any:
    if answer.status == 204 or not answer.content:
        return None
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.MsgspecError as error:
        raise Unavailable("the CRM answered with something unreadable", maybe_sent=True) from error


def _position(cursor: str | None) -> tuple[datetime, int, datetime]:
    since, _, rest = (cursor or f"{_BEGINNING.isoformat()}|0|").partition("|")
    offset, _, newest = rest.partition("|")
    at = datetime.fromisoformat(since)
    return at, int(offset or "0"), datetime.fromisoformat(newest) if newest else at


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _number(id_: str) -> int | str:
    return int(id_) if id_.isdecimal() else id_
