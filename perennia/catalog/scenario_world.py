"""Who a scenario happens to and what may go wrong in its world, and how its instants are written (`scenario_models`)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from perennia.core.definitions import Model, SpanText
from perennia.core.json_values import Json, JsonObject
from perennia.core.keys import key_text

ANYTHING = "*"


def _instant(value: object) -> object:
    """A datetime of text that begins like a date; anything else as it is."""
    if isinstance(value, str) and re.match(r"\d{4}-", value):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f'"{value}" is no instant; write it like 2026-03-02T10:00:00+01:00') from error
    return value


def _instant_only(value: object) -> object:
    parsed = _instant(value)
    if not isinstance(parsed, datetime):
        raise ValueError("must be an instant like 2026-03-02T10:00:00+01:00")  # noqa: TRY004 - pydantic reports ValueError only
    return parsed


def _moment_form(value: object) -> str:
    return "<instant>" if isinstance(value, datetime) else "<span>"


def _key_only(value: object) -> object:
    text = key_text(value) if isinstance(value, str | int | float) else None
    if text is None:
        raise ValueError("must be a key: a text or a number")
    return text


KeyText: TypeAlias = Annotated[str, BeforeValidator(_key_only)]
Instant: TypeAlias = Annotated[datetime, BeforeValidator(_instant_only)]
Moment: TypeAlias = Annotated[
    Annotated[SpanText, Tag("<span>")] | Annotated[datetime, Tag("<instant>")],
    Discriminator(_moment_form),
    BeforeValidator(_instant),
]

# --- the world ------------------------------------------------------------------------------------------------------


class ScenarioPerson(Model):
    """``traits`` arrive at ``start``; ``first_seen`` is ``start`` where it is not told."""

    id: str
    timezone: str | None = None
    traits: JsonObject = Field(default_factory=dict)
    first_seen: Instant | None = None

    def told(self) -> JsonObject:
        """All that is said of it, as traits."""
        traits: dict[str, Json] = dict(self.traits)
        if self.timezone is not None:
            traits["timezone"] = self.timezone
        return traits


class ScenarioContact(ScenarioPerson):
    """One of the account's contacts; ``email`` and ``roles`` are short for the traits of these names."""

    email: str | None = None
    roles: tuple[str, ...] = ()

    def told(self) -> JsonObject:
        traits = super().told()
        if self.email is not None:
            traits["email"] = self.email
        if self.roles:
            traits["roles"] = list(self.roles)
        return traits


class ScenarioCustomer(ScenarioPerson):
    """``contacts``: an account's."""

    contacts: tuple[ScenarioContact, ...] = ()


FaultKind: TypeAlias = Literal["email", "survey", "crm", "webhook", "notify"]
FAULT_KINDS: tuple[FaultKind, ...] = ("email", "survey", "crm", "webhook", "notify")
Trouble: TypeAlias = Literal["fails", "refuses"]


class ProviderFault(Model):
    """From ``at`` on, the next ``times`` attempts of this kind fail (retryable) or are refused (for good).

    ``email``: any message; ``survey``: only those that ask for an answer.
    """

    at: Moment
    email: Trouble | None = None
    survey: Trouble | None = None
    crm: Trouble | None = None
    webhook: Trouble | None = None
    notify: Trouble | None = None
    times: Annotated[int, Field(ge=1, strict=True)] = 1

    @property
    def troubles(self) -> dict[FaultKind, Trouble]:
        told: dict[FaultKind, Trouble | None] = {kind: getattr(self, kind) for kind in FAULT_KINDS}
        return {kind: trouble for kind, trouble in told.items() if trouble is not None}
