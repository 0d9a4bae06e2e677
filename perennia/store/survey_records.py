"""What the store says of answers to surveys that reports count, that nobody is known by, or that belong to nobody."""

from __future__ import annotations

from datetime import datetime

import msgspec

from perennia.core.json_values import JsonObject
from perennia.core.state import CustomerState


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as reports count it. ``state``: what is known of its author now, where that was asked for."""

    customer: str
    at: datetime
    score: float | None
    answers: JsonObject
    state: CustomerState | None


class UnclaimedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What another system told of an answer, kept aside: ``reason`` says why, in words. ``body``: as it came.

    ``response``: the same for all calls about one response, None of those that were kept before that was noted. ``cursor``:
    lists go on behind it.
    """

    id: str
    source: str
    survey: str | None
    reason: str
    at: datetime
    body: str
    response: str | None = None
    cursor: str = ""


class AnswerGiven(msgspec.Struct, frozen=True, kw_only=True):
    """To whom what another system told was given, and as which of their inputs."""

    customer: str
    seq: int


class AnonymousAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an anonymous answer says, and nothing else."""

    score: float | None = None
    comment: str | None = None
    answers: JsonObject = {}


class AnonymousBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that may be shown, at least five, in no order. ``month``: in which the last five of them were complete.

    ``group``: the traits that their survey keeps, as their authors had them.
    """

    month: str
    group: dict[str, str | None]
    answers: tuple[AnonymousAnswer, ...]
