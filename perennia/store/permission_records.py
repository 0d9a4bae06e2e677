"""What crosses the store's border of consents and suppressions. No SQL here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from perennia.core.json_values import JsonObject


class ConsentSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of a topic, and how we know.

    ``source``: where it was said (a form, a page, a person's word). ``text``: the version of the text they saw. ``proof``: what
    whoever sends it can show, as they give it. ``proven``: they said it where only the owner of the address can be (a link in
    a message), or somebody answers for it: nothing is to be confirmed. ``by``: who told us, for the audit log.
    """

    topic: str
    given: bool
    at: datetime
    source: str
    text: str | None = None
    proof: JsonObject = {}
    proven: bool = False
    by: str | None = None


class ConsentOutcome(StrEnum):
    """What became of what was said.

    ``ASKED``: a message with a link goes out, and the yes counts once that is confirmed. ``WAITING``: such a message was
    asked for less than a day ago; no other goes out, its link confirms.
    """

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    ASKED = "asked"
    WAITING = "waiting"
    UNCHANGED = "unchanged"


class ConsentLink(msgspec.Struct, frozen=True, kw_only=True):
    """What a link that confirms says: for whom (internal id), which topic, when asked for, of which address (`address_mark`)."""

    customer: str
    topic: str
    asked_at: datetime
    mark: str


class ConsentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of the history; ``act`` ``asked``: a yes that was to be confirmed."""

    topic: str
    act: Literal["asked", "given", "withdrawn"]
    at: datetime
    source: str
    text: str | None
    proof: JsonObject


class ConsentStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one topic: since when, by which source. ``until``: when a pending one can no longer be confirmed."""

    topic: str
    state: Literal["given", "withdrawn", "pending"]
    at: datetime
    source: str
    until: datetime | None = None


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is never written to, in its normal form. ``reason``: ``bounced``, ``complained``, or a person's words."""

    address: str
    reason: str
    at: datetime
