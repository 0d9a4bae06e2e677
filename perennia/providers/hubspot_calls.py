"""HubSpot's calls about records: which ones something happened to.

https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests, the signature v3 (seen 2026-11). What a
call says of a record is not believed: the record is read.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from perennia.providers.crm import Kind
from perennia.providers.reports import Call, Unsigned, same

OLDEST: Final = timedelta(minutes=5)
_KINDS: Final[dict[str, Kind]] = {"contact": "contact", "company": "account"}
_TYPES: Final[dict[str, Kind]] = {"0-1": "contact", "0-2": "account"}


class _Event(msgspec.Struct, rename="camel"):
    subscription_type: str = ""
    object_type_id: str = ""
    object_id: int | str | None = None
    primary_object_id: int | str | None = None
    new_object_id: int | str | None = None
    merged_object_ids: list[int | str] = []


def records_told_of(call: Call, secret: str, url: str) -> dict[Kind, list[str]]:
    """Ids of records by kind. ``url``: under which HubSpot reaches us. Raises `Unsigned` and `Unreadable`."""
    _check(call, secret, url)
    told: dict[Kind, list[str]] = {"contact": [], "account": []}
    for event in call.json(list[_Event]):
        kind = _TYPES.get(event.object_type_id) or _KINDS.get(event.subscription_type.partition(".")[0])
        named = (event.object_id, event.primary_object_id, event.new_object_id, *event.merged_object_ids)
        if kind is not None:
            told[kind] += [str(id_) for id_ in named if id_ is not None]
    return told


def signature(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """``timestamp``: in milliseconds."""
    signed = f"{method}{url}".encode() + body + timestamp.encode()
    return b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


def _check(call: Call, secret: str, url: str) -> None:
    timestamp = call.headers.get("x-hubspot-request-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal()):
        raise Unsigned("the call has no time that can be read")
    if abs(call.at - datetime.fromtimestamp(int(timestamp[:16]) / 1000, UTC)) > OLDEST:
        raise Unsigned("the call is older than five minutes, or the clocks differ")
    if not same(call.headers.get("x-hubspot-signature-v3", ""), signature(secret, "POST", url, call.body, timestamp)):
        raise Unsigned(f"the signature is not that of a call to {url} with the app's secret")
