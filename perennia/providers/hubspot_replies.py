"""What HubSpot answers, and what a failure of its means."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from perennia.providers.failures import ProviderFailure, Refused, Unavailable
from perennia.providers.web_api import Answer

# What was written is found by the search "within a few moments"; integrators have seen half a minute.
LAG: Final = timedelta(seconds=60)
TAKEN: Final = re.compile(r"Existing ID: (\d+)|(\d+) already has that value")


class Object(msgspec.Struct):
    id: str = ""
    properties: dict[str, str | None] = {}
    archived: bool = False


class Next(msgspec.Struct):
    after: str = ""


class Paging(msgspec.Struct):
    next: Next | None = None


class Batch(msgspec.Struct):
    results: list[Object] = []
    paging: Paging | None = None


class Owner(msgspec.Struct, rename={"first": "firstName", "last": "lastName"}):
    id: str = ""
    email: str | None = None
    first: str = ""
    last: str = ""


class Owners(msgspec.Struct):
    results: list[Owner] = []
    paging: Paging | None = None


class Property(msgspec.Struct, rename={"form": "fieldType"}):
    name: str = ""
    type: str = "string"
    form: str = "text"


class Properties(msgspec.Struct):
    results: list[Property] = []


class Problem(msgspec.Struct, rename={"policy": "policyName"}):
    category: str = ""
    message: str = ""
    policy: str = ""


def accepted(answer: Answer) -> Answer:
    if not answer.accepted:
        raise failure(answer)
    return answer


def failure(answer: Answer) -> ProviderFailure:
    said = answer.read(Problem) or Problem()
    unknown = re.search(r'Property "?([\w-]+)"? does not exist', said.message.replace("\\", ""))
    if unknown is not None:
        return Refused(f"HubSpot has no property {unknown[1]}", reply=answer.text)
    match answer.status:
        case 404:
            return Refused(f"HubSpot has no such record ({said.category})", reply=answer.text)
        case 409:
            return Refused(f"HubSpot has this already ({said.category})", reply=answer.text)
        case 429 if said.policy == "DAILY" and answer.retry_after is None:
            # Until midnight of the account's zone, which it does not tell.
            message = "HubSpot has answered as often as it does in a day"
            return Unavailable(message, retry_after=timedelta(minutes=15), reply=answer.text)
        case _:
            return answer.failure(said.category)


def position(cursor: str | None) -> tuple[int, int | None]:
    """The millisecond up to which all was seen, and the id within it, where there are more of it."""
    at, _, behind = (cursor or "0").partition(":")
    return int(at), int(behind) if behind else None


def milliseconds(stamp: str | None) -> int:
    return round(datetime.fromisoformat(stamp or "1970-01-01T00:00:00Z").timestamp() * 1000)
