"""What is remembered of customers, for those who live through it again: backtests and simulations."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from perennia.core.definitions import Scope
from perennia.core.state import LedgerEntry


class Consent(msgspec.Struct, frozen=True, array_like=True):
    """What a contact said last about a topic, and when."""

    topic: str
    given: bool
    at: datetime


class PastMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message of ``playbook`` that took a place under the caps."""

    playbook: str
    place: LedgerEntry


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One customer. ``ref`` is the id the outside uses; ``names`` its former ones.

    Inputs are JSON, in order of arrival: ``told`` came from outside; ``raised`` are events that steps and tracks raised
    at the time; ``copied`` are an account's copies of its contacts' events. ``suppressed``: since when nothing may be sent
    to the address.
    """

    id: str
    kind: Scope
    ref: str
    first_seen: datetime
    names: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    messages: tuple[PastMessage, ...] = ()
    suppressed: datetime | None = None


# An account with its contacts, or a contact without an account: they tell each other things, and are lived through together.
Household: TypeAlias = tuple[Life, ...]
