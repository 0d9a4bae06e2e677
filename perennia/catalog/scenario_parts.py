"""Parts of a scenario that stand for themselves: who owns the customer, what is published on the way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennia.core.definitions import Model


class Owner(Model):
    """The employee responsible for the customer."""

    id: str
    email: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Publication(Model):
    """A file of definitions, each in place of the one of that name, and what becomes of who is in a changed playbook.

    ``file`` as written is relative to the scenario's folder or to the workspace; after loading, to the workspace.
    """

    file: str
    mode: Literal["pin", "migrate", "exit"] = "pin"
    map: dict[str, str] = Field(default_factory=dict)
