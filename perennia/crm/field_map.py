"""Which traits are which fields of the CRM, in which direction, and whose word counts: ``crm.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from perennia.core.agreement import Direction, Rule
from perennia.core.calendar import parse_span
from perennia.providers.crm import Kind

# In the place of traits and fields that are none: a contact's account, and who is responsible.
ACCOUNT: Final = "@account"
OWNER_TRAIT: Final = "owner"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(_Part):
    """``crm``: what the field is called there."""

    crm: str
    direction: Direction = "both"
    wins: Literal["crm", "perennia"] = "crm"


def _short(value: object) -> object:
    """``trait: field`` is a field of which the CRM has the last word."""
    return {"crm": value} if isinstance(value, str) else value


class RecordMap(_Part):
    """One kind of records. ``missing_here``: what becomes of those that are no customers; ``missing_there``: the reverse."""

    fields: dict[str, Annotated[FieldRule, BeforeValidator(_short)]] = Field(default_factory=dict[str, FieldRule])
    missing_here: Literal["ignore", "create"] = "ignore"
    missing_there: Literal["create", "ignore"] = "create"
    owner: str | None = None
    account: Literal["both", "in", "out", "none"] = "both"

    def rules(self, kind: Kind) -> list[Rule]:
        return list(self._rules(kind))

    def _rules(self, kind: Kind) -> Iterator[Rule]:
        for trait, each in self.fields.items():
            yield Rule(trait, each.crm, each.direction, each.wins == "crm")
        if self.owner is not None:
            yield Rule(OWNER_TRAIT, self.owner, "in")
        if kind == "contact" and self.account != "none":
            yield Rule(ACCOUNT, ACCOUNT, self.account)

    def names(self) -> list[str]:
        """Fields to be read."""
        owner = [] if self.owner is None else [self.owner]
        return list(dict.fromkeys([*(each.crm for each in self.fields.values()), *owner]))


SHORTEST: Final = timedelta(seconds=30)


def _every(text: str) -> str:
    """Raises ValueError (also `SpanError`) for what is no such span."""
    span = parse_span(text)
    if span.business_days or span.exact + timedelta(days=span.days) < SHORTEST:
        raise ValueError(f'"{text}" is no span of at least 30s; write for example 5m')
    return text


class FieldMap(_Part):
    """A whole file. ``every``: how often both sides are compared. ``rest`` is for the adapter of that name.

    ``tasks``: whether people's tasks are there, too. ``erased``: what becomes of the record of a customer who is erased here
    without a word about the CRM.
    """

    every: Annotated[str, AfterValidator(_every)] = "5m"
    accounts: RecordMap = RecordMap()
    contacts: RecordMap = RecordMap()
    erased: Literal["leave", "erase"] = "leave"
    tasks: Literal["none", "both"] = "none"
    rest: dict[str, Any] | None = None

    def of(self, kind: Kind) -> RecordMap:
        return self.accounts if kind == "account" else self.contacts

    @property
    def interval(self) -> timedelta:
        span = parse_span(self.every)
        return span.exact + timedelta(days=span.days)

    @property
    def syncs(self) -> bool:
        """Whether anything is to be kept equal."""
        return any(each.fields or each.owner for each in (self.accounts, self.contacts))


NO_MAP: Final = FieldMap()
