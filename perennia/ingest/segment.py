"""Segment's calls, parsed once into what the store accepts.

https://segment.com/docs/connections/spec/ (identify, track, group, page, screen, alias, common fields; read 2025-11).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, cast
from uuid import uuid4

import msgspec

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import Json, JsonObject
from perennia.core.tame_json import is_tame, tame_object
from perennia.ingest.bodies import Envelope, SharedContext
from perennia.ingest.event_times import event_time, read_instant
from perennia.store.records import Accepted, Merge, Rejected

ITEM_BYTES = 32 * 1024  # Segment's limit, and what its SDKs measure
ID_CHARACTERS = 255
NAME_CHARACTERS = 255

Call: TypeAlias = Literal["identify", "track", "group", "page", "screen", "alias"]
Record: TypeAlias = Accepted | Merge | Rejected

CALLS: frozenset[str] = frozenset({"identify", "track", "group", "page", "screen", "alias"})
NO_CONTEXT = SharedContext()


class BadItem(ValueError):
    """What is wrong with one item. The message names fields, never values."""


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """One call as senders write it. Ids may be numbers; anything may be null."""

    type: str | None = None
    message_id: str | int | float | None = None
    user_id: str | int | float | None = None
    anonymous_id: str | int | float | None = None
    previous_id: str | int | float | None = None
    group_id: str | int | float | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Json] | None = None
    traits: dict[str, Json] | None = None
    context: SharedContext | None = None
    timestamp: Json = None
    original_timestamp: Json = None
    sent_at: Json = None


_items = msgspec.json.Decoder(Item)


def _random_id() -> str:
    return uuid4().hex


@dataclass(frozen=True)
class Reception:
    """What all items of one request share. ``new_id`` names an item whose sender did not: it is not deduplicated."""

    received: datetime
    envelope: Envelope = field(default_factory=Envelope)
    new_id: Callable[[], str] = field(default=_random_id)


def parse_item(text: bytes, reception: Reception, call: str | None = None) -> list[Record]:
    """What one item means, in order; a single `Rejected` with its reason where it cannot be accepted.

    ``call`` is what the path says; without it the item's ``type`` counts.
    """
    try:
        if len(text) > ITEM_BYTES:
            raise BadItem(f"larger than {ITEM_BYTES} bytes")
        item = _decode(text)
        return list(_Reading(item, call or _call_of(item), reception, is_tame(text)).records())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return [_reject(text, reception, f"not what Segment defines: {error}")]
    except (ValueError, OverflowError, RecursionError) as error:
        return [_reject(text, reception, str(error))]


def _decode(text: bytes) -> Item:
    return _items.decode(text)


def _call_of(item: Item) -> str:
    if item.type not in CALLS:
        raise BadItem("type is none of " + ", ".join(sorted(CALLS)))
    return item.type


def _reject(text: bytes, reception: Reception, reason: str) -> Rejected:
    raw = text[:ITEM_BYTES].decode("utf-8", "replace").replace("\0", "")
    return Rejected(at=reception.received, reason=reason, raw=raw)


class _Reading:
    """One item being read."""

    def __init__(self, item: Item, call: str, reception: Reception, tame: bool) -> None:
        self._item = item
        self._call = call
        self._reception = reception
        self._tame = tame
        self._message_id = identifier(item.message_id, "messageId") or reception.new_id()
        self._user = identifier(item.user_id, "userId")
        self._anonymous = identifier(item.anonymous_id, "anonymousId")
        self._context = item.context or reception.envelope.context or NO_CONTEXT

    def records(self) -> list[Record]:
        match self._call:
            case "identify":
                return [self._contact(self._traits(self._identified()))]
            case "track":
                return self._did(event_name(self._item.event, "event"), self._item.properties)
            case "page":
                return self._did(self._viewed("Page"), self._view_properties())
            case "screen":
                return self._did(self._viewed("Screen"), self._view_properties())
            case "group":
                return self._joined()
            case _:
                return [self._merged()]

    # --- calls ---

    def _did(self, name: str, properties: JsonObject | None) -> list[Record]:
        """Traits that came along stand before the event, so that what it starts sees them."""
        event = CustomerEvent(
            at=self._reception.received,
            name=name,
            properties=self._object(properties),
            timestamp=self._event_time(),
        )
        traits = self._traits(self._context_traits())
        if traits is None:
            return [self._contact(event)]
        return [self._contact(traits, part="traits"), self._contact(event)]

    def _joined(self) -> list[Record]:
        group = identifier(self._item.group_id, "groupId")
        if group is None:
            raise BadItem("groupId is missing")
        traits = self._traits(self._item.traits or {})
        account = Accepted(message_id=self._message_id, kind="account", external_id=group, input=traits)
        if self._user is None:
            return [account]
        return [account, self._contact(None, part="member", account=group)]

    def _merged(self) -> Merge:
        previous = identifier(self._item.previous_id, "previousId")
        if previous is None or self._user is None:
            raise BadItem("alias needs previousId and userId")
        if previous == self._user:
            raise BadItem("previousId and userId are the same")
        at = self._reception.received
        return Merge(message_id=self._message_id, at=at, previous_id=previous, external_id=self._user)

    # --- parts ---

    def _contact(
        self, content: CustomerEvent | TraitsChanged | None, part: str = "", account: str | None = None
    ) -> Accepted:
        if self._user is None and self._anonymous is None:
            raise BadItem("userId and anonymousId are missing")
        return Accepted(
            # Rows are deduplicated one by one: a second row of one item gets a name of its own, the same every time.
            message_id=f"{self._message_id}#{part}" if part else self._message_id,
            kind="contact",
            external_id=self._user,
            anonymous_id=self._anonymous,
            input=content,
            account=account or identifier(self._context.group_id, "context.groupId"),
        )

    def _identified(self) -> JsonObject:
        """What an identify tells: its traits, those in its context, and the device's time zone where no trait names one."""
        zone: JsonObject = {"timezone": self._context.timezone} if isinstance(self._context.timezone, str) else {}
        return {**zone, **self._context_traits(), **(self._item.traits or {})}

    def _context_traits(self) -> JsonObject:
        traits = self._context.traits
        return cast("JsonObject", traits) if isinstance(traits, dict) else {}

    def _traits(self, traits: JsonObject) -> TraitsChanged | None:
        return TraitsChanged(at=self._reception.received, traits=self._object(traits)) if traits else None

    def _object(self, value: JsonObject | None) -> JsonObject:
        if value is None:
            return {}
        return value if self._tame else tame_object(value)

    def _viewed(self, what: Literal["Page", "Screen"]) -> str:
        """Segment's own names: ``Viewed Docs Index Page`` for a category and a name, ``Loaded a Page`` for neither."""
        full_name = " ".join(part for part in (self._item.category, self._item.name) if part)
        return event_name(f"Viewed {full_name} {what}" if full_name else f"Loaded a {what}", "name")

    def _view_properties(self) -> JsonObject:
        named: JsonObject = {"category": self._item.category, "name": self._item.name}
        return {**{key: value for key, value in named.items() if value}, **(self._item.properties or {})}

    def _event_time(self) -> datetime | None:
        happened = read_instant(self._item.original_timestamp) or read_instant(self._item.timestamp)
        sent = read_instant(self._reception.envelope.sent_at) or read_instant(self._item.sent_at)
        return event_time(happened, sent, self._reception.received)


def identifier(value: str | float | Json | None, field_name: str) -> str | None:
    """The id as text, None for null and for empty text. Numbers are read as JavaScript writes them: 7.0 is 7.

    Raises `BadItem`.
    """
    match value:
        case None:
            return None
        case bool() | list() | dict():
            raise BadItem(f"{field_name} is no text")
        case float() if value.is_integer():
            text = str(int(value))
        case _:
            text = str(value).strip()
    if len(text) > ID_CHARACTERS:
        raise BadItem(f"{field_name} is longer than {ID_CHARACTERS} characters")
    if "\0" in text:
        raise BadItem(f"{field_name} holds a NUL character")
    return text or None


def event_name(value: str | None, field_name: str) -> str:
    """What an event is called. Raises `BadItem`."""
    name = (value or "").strip()
    if not name:
        raise BadItem(f"{field_name} is missing")
    if len(name) > NAME_CHARACTERS:
        raise BadItem(f"{field_name} is longer than {NAME_CHARACTERS} characters")
    return name.replace("\0", "")
