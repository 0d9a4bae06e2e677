"""What crosses the store's border of privacy: who was erased, what is held of a customer. No SQL here."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from perennia.core.definitions import Scope
from perennia.core.json_values import JsonObject

# Everything that is held of a customer: by what it is (events, messages, consents ...) the rows.
Dossier: TypeAlias = dict[str, list[JsonObject]]


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An order to erase. ``members``: of an account, its contacts too. ``suppress``: never write to their addresses again.

    ``only_count``: change nothing, say what it would be. ``crm``: the CRM is to forget them, too.
    """

    at: datetime
    by: str
    members: bool = False
    suppress: bool = False
    only_count: bool = False
    crm: bool = False


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """``customer``: the internal id, which leads to nobody any more; null where only the mark of a name is left.

    ``again``: was erased before, at ``at``; nothing has changed. ``rows``: how many were deleted, by table. ``members``: contacts
    of the account, by internal id: those who were erased with it. ``touched``: accounts and contacts that knew of them, in
    which what they were called is overwritten.
    """

    customer: str | None
    kind: Scope
    at: datetime
    again: bool = False
    rows: dict[str, int] = {}
    members: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
