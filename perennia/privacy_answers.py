"""What an installation answers about privacy."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Erased(msgspec.Struct):
    """``customer``: the internal id, which leads to nobody; null where only the mark of a name was left. ``rows``: by table.

    ``again``: erased before, ``at`` that instant. ``members``: internal ids of contacts erased with their account; ``touched``
    those of accounts and contacts that knew of them.
    """

    customer: str | None
    kind: str
    at: datetime
    again: bool
    rows: dict[str, int]
    members: list[str]
    touched: list[str]
