"""What the API takes and shows of consents (`views` has what a customer's own view repeats)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from perennia.api.views import ConsentView, Order, Text, View, Who
from perennia.core.json_values import JsonObject


class ConsentBody(Order):
    """What a contact said of a topic.

    ``source``: where (a form's id, a conversation); ``text``: the version of the text that they saw; ``proof``: what you can
    show for it, kept as it is. ``proven``: they have shown already that the address is theirs, so nothing is to be confirmed.
    """

    topic: Text
    given: Annotated[bool, Field(strict=True)]
    source: Text = "api"
    text: Text | None = None
    proof: JsonObject = Field(default_factory=dict)
    proven: bool = False
    by: Who = "api"


class ConsentRecordView(View):
    topic: str
    act: Literal["asked", "given", "withdrawn"]
    at: datetime
    source: str
    text: str | None
    proof: JsonObject


class ConsentsView(View):
    customer: str
    topics: list[ConsentView]
    history: list[ConsentRecordView]


class ConsentAnswer(View):
    """``outcome``: ``asked`` (a message with a link goes out), ``waiting`` (one was asked for less than a day ago) ..."""

    customer: str
    outcome: Literal["given", "withdrawn", "asked", "waiting", "unchanged"]
    consent: ConsentView
