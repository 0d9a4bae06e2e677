"""What Salesforce answers, and what a failure of its means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, cast

import msgspec

from perennia.providers.crm import Upserted, Value
from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable
from perennia.providers.web_api import Answer

DATA: Final = "/services/data/v62.0"
PAGE: Final = 100  # 200 are taken at once; the addresses of so many are the most that a query's URL holds
# A transaction's records get their time when they are written, and are seen when it ends; Apex may take ten minutes, few do.
LAG: Final = timedelta(minutes=2)
FIRST: Final = "1970-01-01T00:00:00.000Z"
UNKNOWN: Final = re.compile(r"No such column '([\w.]+)'")
TAKEN: Final = re.compile(r"record with id: (\w+)")


class Problem(msgspec.Struct, rename={"code": "errorCode", "status": "statusCode"}):
    code: str = ""
    status: str = ""
    message: str = ""


class Saved(msgspec.Struct):
    id: str = ""
    success: bool = False
    errors: list[Problem] = []


class Found(msgspec.Struct, rename={"next": "nextRecordsUrl"}):
    records: list[dict[str, Any]] = []
    next: str | None = None


class Field(msgspec.Struct, rename={"external": "externalId"}):
    name: str = ""
    external: bool = False


class Described(msgspec.Struct):
    fields: list[Field] = []


def upserted(saved: Saved) -> Upserted:
    if saved.success:
        return Upserted(saved.id)
    problem = saved.errors[0] if saved.errors else Problem()
    if problem.status == "UNABLE_TO_LOCK_ROW":
        raise Unavailable("Salesforce is writing this record for somebody else")
    return Upserted(None, refused(problem.status, problem.message, None))


def refused(code: str, message: str, reply: str | None) -> Refused:
    unknown = UNKNOWN.search(message)
    if unknown is not None:
        return Refused(f"Salesforce has no field {unknown[1]}", reply=reply)
    return Refused(f"Salesforce refused it ({code})", reply=reply or message)


def accepted(answer: Answer) -> Answer:
    if not answer.accepted:
        raise failure(answer)
    return answer


def failure(answer: Answer) -> ProviderFailure:
    said = answer.read(list[Problem]) or [Problem()]
    match answer.status:
        case 400 | 404:
            return refused(said[0].code, said[0].message, answer.text)
        case 403 if said[0].code == "REQUEST_LIMIT_EXCEEDED":
            message = "Salesforce has answered as often as it does in a day"
            return Unavailable(message, retry_after=answer.retry_after or timedelta(minutes=15), reply=answer.text)
        case 401:
            return Misconfigured("Salesforce does not take its own token", reply=answer.text)
        case _:
            return answer.failure(said[0].code)


def taken(value: Value) -> Value:
    """Several options are one text there."""
    return ";".join(map(str, cast("list[object]", value))) if isinstance(value, list) else value


def plain(value: Value) -> Value:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def rewound(cursor: str) -> str:
    """`LAG` earlier."""
    at = datetime.fromisoformat(cursor.partition("|")[0])
    earlier = max(at, datetime.fromisoformat(FIRST) + LAG) - LAG
    return earlier.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def literal(stamp: str) -> str:
    """As a query has an instant."""
    return stamp.replace("+0000", "Z")


def quoted(values: Iterable[str]) -> str:
    escaped = (value.replace("\\", "\\\\").replace("'", "\\'") for value in dict.fromkeys(values))
    return ", ".join(f"'{value}'" for value in escaped)
