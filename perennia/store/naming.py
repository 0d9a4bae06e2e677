"""Whom a text names that was kept as another system sent it: whatever stands in it as an id, and every address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast

from perennia.store.bodies import normal_address
from perennia.store.identities import ANONYMOUS, Name
from perennia.store.marks import ADDRESS

_SCOPES: Final = ("contact", "account", ANONYMOUS)
# Under which words systems send ids, beside those that end with "id".
_IDS: Final = frozenset({"account", "company", "contact", "customer", "ref", "reference", "user"})
_EMAIL: Final = re.compile(r"[^\s\"'<>,;:()\[\]]+@[^\s\"'<>,;:()\[\]]+")


def names_in(raw: str) -> set[Name]:
    """Every name it may hold, in every scope it may be of. JSON, or any other text (then the addresses alone)."""
    names = {Name(ADDRESS, normal_address(each)) for each in _EMAIL.findall(raw)}
    try:
        document = cast("object", json.loads(raw))
    except ValueError:
        return names
    return names | {Name(scope, each) for each in _ids(document, is_id=False) for scope in _SCOPES}


def _ids(value: Any, *, is_id: bool) -> Iterator[str]:
    match value:
        case str() | int() if is_id:
            yield str(value)
        case list():
            for each in cast("list[Any]", value):
                yield from _ids(each, is_id=is_id)
        case dict():
            for key, each in cast("dict[str, Any]", value).items():
                word = re.sub(r"[\s_-]", "", key).lower()
                yield from _ids(each, is_id=word.endswith("id") or word in _IDS)
        case _:
            pass
