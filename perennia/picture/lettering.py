"""Text in pictures: how wide it is about, and how it is broken into lines. Nobody knows the font before it is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

# Of the size: a letter on average in bold DejaVu Sans, the widest of the usual fonts; one of Chinese, Japanese and Korean.
_NARROW: Final = 0.66
_WIDE: Final = 1.05
_DOTS: Final = "…"


def width_of(text: str, size: float) -> float:
    """In pixels, rather too many than too few."""
    wide = sum(unicodedata.east_asian_width(each) in ("W", "F") for each in text)
    marks = sum(unicodedata.combining(each) != 0 for each in text)
    return size * (wide * _WIDE + (len(text) - wide - marks) * _NARROW)


def broken(text: str, size: float, width: float, most: int) -> list[str]:
    """At most ``most`` lines of at most ``width`` pixels. What does not fit is left out, which an ellipsis shows."""
    lines: list[str] = []
    for joint, part in _parts(" ".join(text.split()), size, width):
        longer = f"{lines[-1]}{joint}{part}" if lines else part
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        elif len(lines) == most:
            lines[-1] = _shortened(longer, size, width)
            break
        else:
            lines.append(part)
    return lines


def _parts(text: str, size: float, width: float) -> Iterator[tuple[str, str]]:
    """Words, those that are too long for a line in parts; each with what stands between it and the one before."""
    for word in text.split():
        joint, rest = " ", word
        while width_of(rest, size) > width:
            cut = _cut(rest, size, width)
            yield joint, rest[:cut]
            joint, rest = "", rest[cut:]
        yield joint, rest


def _cut(word: str, size: float, width: float) -> int:
    """Where a word is cut that is too long: behind a mark in its second half, where there is one."""
    fits = next(count for count in range(len(word), 0, -1) if count == 1 or width_of(word[:count], size) <= width)
    marks = [place + 1 for place in range(fits // 2, fits) if word[place] in "/-_."]
    return marks[-1] if marks else fits


def _shortened(text: str, size: float, width: float) -> str:
    while text and width_of(text + _DOTS, size) > width:
        text = text[:-1]
    return text.rstrip() + _DOTS
