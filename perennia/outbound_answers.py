"""Endpoints of other systems, at a running installation: what the commands ask of it, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from perennia.core.json_values import JsonObject
from perennia.installation import Installation


class EndpointAnswer(msgspec.Struct):
    """See `perennia.store.outbound_records.Endpoint`."""

    id: str
    url: str
    name: str
    types: list[str]
    tell: str | None
    created_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None
    failing_since: datetime | None
    former_until: datetime | None


class NewEndpoint(msgspec.Struct):
    """``secret`` is told this once."""

    endpoint: EndpointAnswer
    secret: str


class LogLine(msgspec.Struct):
    """See `perennia.store.outbound_records.OutboundDelivery`."""

    event: str
    type: str
    at: datetime
    status: str
    attempts: int
    last_status: int | None
    last_error: str | None
    next_at: datetime | None
    ended_at: datetime | None


async def endpoints(at: Installation) -> list[EndpointAnswer]:
    """By id."""
    return await at.every("endpoints", list[EndpointAnswer], lambda endpoint: endpoint.id)


async def add_endpoint(
    at: Installation, url: str, name: str, types: Sequence[str], tell: str | None, by: str
) -> NewEndpoint:
    body: JsonObject = {"url": url, "name": name, "types": [*types], "tell": tell, "by": by}
    return msgspec.json.decode(await at.ask("POST", "endpoints", body), type=NewEndpoint)


async def rotate_endpoint(at: Installation, id_: str, keep_hours: int, by: str) -> NewEndpoint:
    body = {"keep_hours": keep_hours, "by": by}
    return msgspec.json.decode(await at.ask("POST", f"endpoints/{id_}/rotate", body), type=NewEndpoint)


async def switch_endpoint(at: Installation, id_: str, word: Literal["enable", "disable"], by: str) -> EndpointAnswer:
    return msgspec.json.decode(await at.ask("POST", f"endpoints/{id_}/{word}", {"by": by}), type=EndpointAnswer)


async def try_endpoint(at: Installation, id_: str, by: str) -> str:
    """The id of the event that is posted to it."""
    answer = msgspec.json.decode(await at.ask("POST", f"endpoints/{id_}/test", {"by": by}), type=dict[str, str])
    return answer["event"]


async def replay_endpoint(at: Installation, id_: str, event: str | None, since: datetime | None, by: str) -> int:
    """How many events are posted again."""
    body = {"event": event, "since": None if since is None else since.isoformat(), "by": by}
    return msgspec.json.decode(await at.ask("POST", f"endpoints/{id_}/replay", body), type=dict[str, int])["events"]


async def endpoint_log(at: Installation, id_: str, limit: int, status: str | None) -> list[LogLine]:
    """The last first."""
    return msgspec.json.decode(
        await at.ask("GET", f"endpoints/{id_}/deliveries", limit=limit, status=status), type=list[LogLine]
    )
