"""Internal ids of customers. The kind is part of them, so that a workflow can be named after it without another look."""

from __future__ import annotations

from uuid import uuid4

from perennia.core.definitions import Scope


def new_id(kind: str) -> str:
    return f"{kind}-{uuid4().hex}"


def kind_of(customer: str) -> Scope:
    """Of an id that `new_id` made."""
    return "account" if customer.startswith("account-") else "contact"
