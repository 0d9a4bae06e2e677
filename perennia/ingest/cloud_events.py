"""CloudEvents 1.0 over HTTP, in all three modes, parsed once into what the store accepts.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md, and the JSON format beside it.
``subject`` says whose event it is: ``ana``, ``contact/ana`` or ``account/acme``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import unquote

from perennia.core.decisions import CustomerEvent
from perennia.core.definitions import Scope
from perennia.core.json_values import JsonObject
from perennia.core.tame_json import tame_object
from perennia.ingest.bodies import Malformed, repair_json
from perennia.ingest.event_times import event_time, read_instant
from perennia.ingest.segment import ITEM_BYTES, BadItem, Record, event_name, identifier
from perennia.store.records import Accepted, Rejected

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
KINDS: Final[Mapping[str, Scope]] = {"contact": "contact", "account": "account"}
# Whoever sends the same event again, sends the same source and id.
_ID_CHARACTERS: Final = 255


@dataclass(frozen=True)
class Told:
    """The events of one request, each as its attributes and ``data``; ``is_batch``: in whose answer each has its place."""

    items: list[dict[str, Any]]
    is_batch: bool


def read_events(headers: Mapping[str, str], body: bytes) -> Told:
    """What a request holds. ``headers`` in lower case. Raises `Malformed` for one that holds no CloudEvent."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    match media_type:
        case "application/cloudevents+json":
            return Told([_object(_json(body))], is_batch=False)
        case "application/cloudevents-batch+json":
            items = _json(body)
            if not isinstance(items, list):
                raise Malformed("the batch is no JSON array")
            return Told([_object(each) for each in cast("list[Any]", items)], is_batch=True)
        case _ if "ce-specversion" in headers:
            return Told([_binary(headers, media_type, body)], is_batch=False)
        case _:
            raise Malformed(
                f"this is no CloudEvent: send {STRUCTURED}, {BATCH}, or the headers ce-specversion, ce-id ..."
            )


def _binary(headers: Mapping[str, str], media_type: str, body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if body:
        is_json = media_type in ("", "application/json") or media_type.endswith("+json")
        event["data"] = _json(body) if is_json else body.decode("utf-8", "replace")
    return event


def _json(body: bytes) -> Any:
    return json.loads(repair_json(body))


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def read_event(told: Mapping[str, Any], received: datetime) -> Record:
    """What one event means; a `Rejected` with its reason where it cannot be accepted."""
    try:
        return _accepted(told, received)
    except (BadItem, ValueError, OverflowError, RecursionError) as error:
        raw = json.dumps(told)[:ITEM_BYTES].replace("\0", "")
        return Rejected(at=received, reason=str(error), raw=raw)


def _accepted(told: Mapping[str, Any], received: datetime) -> Accepted:
    if told.get("specversion") != "1.0":
        raise BadItem("specversion is not 1.0")
    id_, source = identifier(told.get("id"), "id"), identifier(told.get("source"), "source")
    if id_ is None or source is None:
        raise BadItem("id or source is missing")
    kind, customer = _whose(identifier(told.get("subject"), "subject"))
    name = event_name(_text(told.get("type"), "type"), "type")
    if len(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")) > ITEM_BYTES:
        raise BadItem(f"larger than {ITEM_BYTES} bytes")
    event = CustomerEvent(
        at=received,
        name=name,
        properties=tame_object(_properties(told)),
        timestamp=event_time(read_instant(told.get("time")), None, received),
    )
    return Accepted(message_id=f"{source}#{id_}", kind=kind, external_id=customer, input=event)


def _whose(subject: str | None) -> tuple[Scope, str]:
    if subject is None:
        raise BadItem("subject is missing: it says whose event it is, like ana or account/acme")
    kind, slash, name = subject.partition("/")
    if slash and kind in KINDS and name:
        return KINDS[kind], name
    return "contact", subject


def _text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadItem(f"{name} is no text")
    return value


def _properties(told: Mapping[str, Any]) -> JsonObject:
    """Its data; what is no object is the property ``data``."""
    if "data_base64" in told:
        raise BadItem("data_base64 holds bytes; send JSON")
    data = told.get("data")
    match data:
        case None:
            return {}
        case dict():
            return cast("JsonObject", data)
        case _:
            return {"data": data}
