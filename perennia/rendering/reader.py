"""Who reads a text: their language, the zone of their clock, and the instant at which it is written for them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from perennia.core.calendar import find_zone
from perennia.core.decisions import SendEmail
from perennia.core.definitions import Policies
from perennia.core.json_values import Json, JsonObject

# Unicode's annex 9: what stands between the two is laid out by itself, in the direction of its own first letter.
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
# Characters that turn whatever follows them; a value that holds them would turn the sentence around it.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True)
class Reader:
    """``locale`` as told, like ``de-AT``; ``home``: that of the workspace, in which texts without a language are written.

    ``at``: the instant from which `relative` spans count, the same in production and in scenarios. None: there is none.
    """

    locale: str = "en"
    zone: tzinfo = UTC
    at: datetime | None = None
    home: str = "en"


def reader_of(context: JsonObject, policies: Policies, at: datetime) -> Reader:
    """The contact of a decision's ``context``, in their own language and zone.

    The zone of a contact who told none, or one that does not exist, is the account's, else the workspace's (language,
    section 2).
    """
    contact, account = _member(context, "contact"), _member(context, "account")
    told = contact.get("locale")
    zone, _ = find_zone(contact.get("timezone"), account.get("timezone"), policies.timezone)
    return Reader(told if isinstance(told, str) and told else policies.locale, zone, at, policies.locale)


def workspace_reader(policies: Policies, at: datetime) -> Reader:
    """A colleague, or another system: texts for them are in the workspace's language and zone."""
    return reader_of({}, policies, at)


def message_reader(effect: SendEmail, policies: Policies) -> Reader:
    """Whom the message is for: the contact, or a colleague."""
    if effect.recipient == "contact":
        return reader_of(effect.context, policies, effect.at)
    return workspace_reader(policies, effect.at)


def primary(locale: str) -> str:
    """``pt`` of ``pt-BR``."""
    return locale.replace("_", "-").partition("-")[0].lower()


def direction(locale: str) -> str:
    """``rtl`` or ``ltr``, for HTML's ``dir``."""
    return "rtl" if primary(locale) in _RIGHT_TO_LEFT else "ltr"


def isolated(text: str, around: str) -> str:
    """The text as it stands in a sentence of direction ``around``: apart, where letters of it run the other way.

    Else its full stops, brackets and numbers are laid out as if they were the sentence's own.
    """
    text = _TURNING.sub("", text)
    foreign = ("L",) if around == "rtl" else ("R", "AL")
    if any(unicodedata.bidirectional(letter) in foreign for letter in text):
        return f"{_ISOLATE}{text}{_END_ISOLATE}"
    return text


def spoken(reader: Reader, language: str) -> str:
    """The locale of a text that is there in ``language``; "" is a text without one, which is in the workspace's.

    Where the reader's own locale is of that language it is the nearer one: ``de-AT`` reads the file for ``de``, and its
    sums of money as Austrians write them. A text that is not there in the reader's language keeps its own throughout: an
    English sentence with a Japanese date in it helps nobody.
    """
    text = language or reader.home
    return reader.locale if primary(reader.locale) == primary(text) else text


def _member(context: JsonObject, name: str) -> dict[str, Json]:
    value = context.get(name)
    return value if isinstance(value, dict) else {}
