"""Characters that do not show: made visible in what is said, and named where they keep a text from being what it looks like."""

from __future__ import annotations

import unicodedata
from typing import Final

# Control and format characters, spaces that are not the space, line and paragraph separators, and what has no meaning.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"})
# They join emoji, and the letters of several scripts.
_JOINERS: Final = frozenset("\u200c\u200d")


def is_hidden(character: str) -> bool:
    """Whether it cannot be seen, or looks like a space and is none."""
    return character not in _JOINERS and character != " " and unicodedata.category(character) in _HIDDEN


def visible(text: str) -> str:
    """The text with hidden characters written as escapes, as JSON has them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{ord(each):04x}" if is_hidden(each) else each for each in text)


def named(character: str) -> str:
    """``U+0440 (cyrillic small letter er)``."""
    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X} ({name})" if name else f"U+{ord(character):04X}"


def look_alike(text: str) -> str | None:
    """The first character, named, that is no plain letter, digit or sign; None where all are."""
    return next((named(each) for each in text if not each.isascii()), None)
