"""How structs are written into text columns, and how an e-mail address is written in its normal form."""

from __future__ import annotations

import msgspec

from perennia.core.decisions import Effect, Input, JournalEntry
from perennia.core.documents import Triggers
from perennia.core.json_values import JsonObject
from perennia.core.state import CustomerState
from perennia.store.records import Accepted

_encoder = msgspec.json.Encoder()

input_of = msgspec.json.Decoder(Input).decode
effect_of = msgspec.json.Decoder(Effect).decode
state_of = msgspec.json.Decoder(CustomerState).decode
entry_of = msgspec.json.Decoder(JournalEntry).decode
accepted_of = msgspec.json.Decoder(Accepted).decode
triggers_of = msgspec.json.Decoder(Triggers).decode
object_of = msgspec.json.Decoder(JsonObject).decode
tokens_of = msgspec.json.Decoder(frozenset[str]).decode


def body(value: object) -> str:
    """The struct as JSON text."""
    return _encoder.encode(value).decode()


def storable(name: str) -> str:
    """The text without NUL, which PostgreSQL cannot store: U+FFFD stands in its place, on both databases."""
    return name.replace("\x00", "�") if "\x00" in name else name


def normal_address(address: str) -> str:
    """The form in which addresses are compared and suppressed."""
    return storable(address.strip().lower())


def email_in(traits: JsonObject) -> str | None:
    """The e-mail address among the traits, as it was told; None where there is none."""
    email = traits.get("email")
    return email.strip() or None if isinstance(email, str) else None
