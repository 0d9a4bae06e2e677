"""Versions of what is updated, so that nobody writes over what somebody else changed (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header

from perennia.api.problems import Problem

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The `ETag` of what was looked at: refused (412) if it is another now"),
]
_TAG = re.compile(r'"(\d{1,18})"')


def etag(version: int) -> str:
    return f'"{version}"'


def wanted_version(if_match: str | None) -> int | None:
    """The version that the caller has seen; None: it does not matter. A 412 `Problem` for a tag that never was ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        raise changed_meanwhile()
    return int(match[1])


def changed_meanwhile() -> Problem:
    return Problem(412, "Changed meanwhile", "It is not what you looked at any more. Look again, then change it.")
