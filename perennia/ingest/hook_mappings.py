"""``hooks.yaml``: what the webhooks of other systems mean, said by paths into what they post.

``customer.id``, ``lines[0].sku`` lead into the body (with ``each`` into one of its items), ``header:X-Topic`` to a header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, Field, model_validator

from perennia.catalog.one_document import read_one
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.definition_forms import DefinitionId, Model
from perennia.core.definitions import Scope
from perennia.core.json_values import Json, JsonObject
from perennia.core.tame_json import tame_object
from perennia.ingest.event_times import event_time, read_instant
from perennia.ingest.segment import ITEM_BYTES, BadItem, event_name, identifier
from perennia.store.records import Accepted, Rejected

HEADER: Final = "header:"
_STEP: Final = re.compile(r"[^.\[\]]+")

_PATH: Final = re.compile(r"header:[A-Za-z0-9-]+|[^.\[\]:]+(\.[^.\[\]]+|\[\d+\])*")


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError(f"{text!r} is no path; write customer.id, lines[0].sku or header:X-Topic")
    return text


JsonPath = Annotated[str, AfterValidator(_path)]


class HmacSignature(Model):
    """An HMAC of the body in a header of the sender's own, like ``X-Hub-Signature-256: sha256=…``."""

    header: Annotated[str, Field(min_length=1)]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""


class HookMapping(Model):
    """What one system's calls mean.

    ``event`` leads to an event's name, ``name`` is one for all. ``names``: what theirs are called here; others are passed over.
    ``each`` leads to a list of which every item is an event. ``id``: the same each time an event is told; without it that of
    the call. ``properties``: one path to an object, or a path for each.
    """

    signature: Literal["standard"] | HmacSignature = "standard"
    each: JsonPath | None = None
    event: JsonPath | None = None
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    names: dict[str, str] = Field(default_factory=dict)
    kind: Scope = "contact"
    customer: JsonPath
    account: JsonPath | None = None
    id: JsonPath | None = None
    time: JsonPath | None = None
    properties: JsonPath | dict[str, JsonPath] = Field(default_factory=dict[str, str])
    traits: dict[str, JsonPath] = Field(default_factory=dict)

    @property
    def hmac(self) -> HmacSignature | None:
        """None: it is signed by Standard Webhooks."""
        return None if self.signature == "standard" else self.signature

    @model_validator(mode="after")
    def _one_name(self) -> HookMapping:
        if (self.event is None) == (self.name is None):
            raise ValueError("say either `event`, a path to an event's name, or `name`, the name of all of them")
        if self.names and self.event is None:
            raise ValueError("`names` says what the names that `event` leads to are called here")
        if self.account is not None and self.kind == "account":
            raise ValueError("`account` says which account a contact belongs to")
        return self


class HooksFile(Model):
    hooks: dict[DefinitionId, HookMapping] = Field(default_factory=dict)


@dataclass
class Told:
    """What a call means. ``passed_over``: events of names that the mapping does not have."""

    records: list[Accepted | Rejected] = field(default_factory=list[Accepted | Rejected])
    passed_over: list[str] = field(default_factory=list[str])


def read_hooks_file(path: Path) -> Mapping[str, HookMapping]:
    """By source; none where there is no file. Raises `FileWrong`."""
    found = read_one(path, HooksFile)
    return {} if found is None else found.hooks


def read_call(
    source: str, mapping: HookMapping, body: bytes, headers: Mapping[str, str], call: str, received: datetime
) -> Told:
    """What a call of ``source`` means. ``headers``: names in lower case. ``call``: the same each time it comes again."""
    told = Told()
    try:
        items = _items(json.loads(body), mapping)
    except (BadItem, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, BadItem) else "the body is no JSON"
        told.records.append(_rejected(source, body.decode("utf-8", "replace"), reason, received))
        return told
    for index, item in enumerate(items):
        one = _One(source, mapping, item, headers, call if len(items) == 1 else f"{call}.{index}", received)
        try:
            name = one.name()
            if name is None:
                told.passed_over.append(str(one.find(mapping.event)))
                continue
            told.records += one.records(name)
        except (BadItem, ValueError, OverflowError, RecursionError) as error:
            told.records.append(_rejected(source, json.dumps(item), str(error), received))
    return told


def _items(body: object, mapping: HookMapping) -> list[object]:
    if mapping.each is None:
        return [body]
    found = _lead(body, mapping.each)
    if not isinstance(found, list):
        raise BadItem(f"each ({mapping.each}) leads to no list")
    return cast("list[object]", found)


def _rejected(source: str, raw: str, reason: str, at: datetime) -> Rejected:
    return Rejected(at=at, reason=f"hooks/{source}: {reason}", raw=raw[:ITEM_BYTES].replace("\0", ""))


@dataclass(frozen=True)
class _One:
    """One event being read."""

    source: str
    mapping: HookMapping
    item: object
    headers: Mapping[str, str]
    call: str
    received: datetime

    def find(self, path: str | None) -> Any:
        """What the path leads to; None where it leads nowhere."""
        if path is None:
            return None
        if path.startswith(HEADER):
            return self.headers.get(path.removeprefix(HEADER).lower())
        return _lead(self.item, path)

    def name(self) -> str | None:
        """What the event is called here; None where it is passed over. Raises `BadItem`."""
        mapping = self.mapping
        if mapping.event is None:
            return mapping.name
        told = self.find(mapping.event)
        if not isinstance(told, str):
            raise BadItem(f"event ({mapping.event}) leads to no text")
        return (
            event_name(mapping.names.get(told, "") if mapping.names else told, "event") if self._wanted(told) else None
        )

    def _wanted(self, told: str) -> bool:
        return not self.mapping.names or told in self.mapping.names

    def records(self, name: str) -> list[Accepted]:
        """Traits, then the event: what it starts sees them. Raises `BadItem`, `ValueError`, `OverflowError`."""
        if len(json.dumps(self.item, ensure_ascii=False).encode("utf-8", "replace")) > ITEM_BYTES:
            raise BadItem(f"larger than {ITEM_BYTES} bytes")
        event = CustomerEvent(
            at=self.received,
            name=name,
            properties=tame_object(self._properties()),
            timestamp=event_time(self._time(), None, self.received),
        )
        traits = {trait: self.find(path) for trait, path in self.mapping.traits.items()}
        told = tame_object({trait: value for trait, value in traits.items() if value is not None})
        records = [self._accepted("", event)]
        if told:
            records.insert(0, self._accepted("#traits", TraitsChanged(at=self.received, traits=told)))
        return records

    def _accepted(self, part: str, content: CustomerEvent | TraitsChanged) -> Accepted:
        return Accepted(
            message_id=f"hooks/{self.source}#{self._id('id') or self.call}{part}",
            kind=self.mapping.kind,
            external_id=self._must("customer"),
            input=content,
            account=self._id("account"),
        )

    def _id(self, key: Literal["id", "customer", "account"]) -> str | None:
        path: str | None = getattr(self.mapping, key)
        return identifier(cast("Json", self.find(path)), f"{key} ({path})")

    def _must(self, key: Literal["customer"]) -> str:
        found = self._id(key)
        if found is None:
            raise BadItem(f"{key} ({getattr(self.mapping, key)}) leads to nothing")
        return found

    def _properties(self) -> JsonObject:
        wanted = self.mapping.properties
        if isinstance(wanted, str):
            found = self.find(wanted)
            if not isinstance(found, dict):
                raise BadItem(f"properties ({wanted}) leads to no object")
            return cast("JsonObject", found)
        values = {name: self.find(path) for name, path in wanted.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _time(self) -> datetime | None:
        found = self.find(self.mapping.time)
        if found is None:
            return None
        instant = read_instant(int(found) if isinstance(found, str) and found.isdecimal() else found)
        if instant is None:
            raise BadItem(f"time ({self.mapping.time}) leads to no instant")
        return instant


def _lead(value: object, path: str) -> Any:
    """What the path leads to; None where it leads nowhere. A number in brackets counts a list's items from 0."""
    for step in _STEP.findall(path):
        match value:
            case dict():
                value = cast("dict[str, object]", value).get(step)
            case list() if step.isdecimal() and int(step) < len(cast("list[object]", value)):
                value = cast("list[object]", value)[int(step)]
            case _:
                return None
    return value
