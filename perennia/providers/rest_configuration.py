"""The section ``rest`` of ``crm.yaml``: how a CRM's API is called."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from perennia.providers.failures import Misconfigured

SECTION: Final = "rest"


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One request, with ``{names}`` for what differs. ``query`` values that are lists are sent as several."""

    path: str
    method: str = "GET"
    query: dict[str, Any] = {}
    body: Any = None


class Records(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of records. ``id``, ``key``, ``changed``: where an answer has its own id, our key, when it was changed.

    ``items``: where an answer has its list, nothing where it is one. ``find`` knows ``{ref}``, ``list`` ``{since}``, ``{offset}``
    and ``{limit}``, ``read`` and ``update`` ``{id}``, ``create`` and ``update`` ``{fields}`` and ``{ref}``, ``note`` and ``task``
    ``{id}``, ``{text}`` and ``{key}``, ``erase`` ``{id}``.
    """

    key: str
    find: Call
    list: Call
    read: Call
    create: Call
    update: Call
    id: str = "id"
    items: str = ""
    changed: tuple[str, ...] = ()
    note: Call | None = None
    task: Call | None = None
    stage: str | None = None
    erase: Call | None = None


class RestApi(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``auth``: bearer, basic (the key is ``user:password``), or ``header NAME``. ``page``: the ``{limit}`` of a list.

    ``late_seconds``: how long a change may take to be seen.
    """

    base: str
    auth: str = "bearer"
    headers: dict[str, str] = {}
    page: int = 100
    late_seconds: float = 60.0
    contact: Records | None = None
    account: Records | None = None

    @property
    def late(self) -> timedelta:
        return timedelta(seconds=self.late_seconds)


def read_configuration(file: Path) -> RestApi:
    """Raises `Misconfigured`, which names the file and the key."""
    try:
        told: Any = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))  # pyright: ignore[reportUnknownMemberType] -- ruamel has no types
        section = told.get(SECTION) if isinstance(told, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- the same
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise Misconfigured(f"{file} cannot be read ({type(error).__name__}); rest: needs its section rest") from error
    if section is None:
        raise Misconfigured(f"{file} has no section rest, which says how the CRM is called")
    try:
        return msgspec.convert(section, RestApi, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{file}: rest: {error}") from error
