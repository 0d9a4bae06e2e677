"""What is wrong with a workspace, said for people: where, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from perennia.catalog.characters import visible

# What a message lacks before it can leave. Steps, waits and rules can be tried without it: copy often comes last.
COPY = frozenset(
    {"unknown-template", "unknown-topic", "unknown-sender", "no-topic", "no-way-out", "bad-template", "broken-link"}
)


class Severity(StrEnum):
    """An error refuses a release; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing found, at a line and a column (from 1, in characters) of a file (relative to the workspace)."""

    path: str
    line: int
    column: int
    code: str
    message: str
    remedy: str | None = None
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        """What is said shows every character, whatever the file held."""
        object.__setattr__(self, "message", visible(self.message))
        if self.remedy is not None:
            object.__setattr__(self, "remedy", visible(self.remedy))

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """By place, then by what is said."""
        return self.path, self.line, self.column, self.code, self.message

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.path}:{self.line}:{self.column}: {self.severity} {self.code}: {self.message}{remedy}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, None when nothing comes near."""
    matches = get_close_matches(word.lower(), sorted(known), n=1)
    return matches[0] if matches else None


def suggestion(word: str, known: Iterable[str], kind: str = "known") -> str | None:
    """The remedy for an unknown word: the nearest known one, else all of them when they are few."""
    words = sorted(known)
    if close := nearest(word, words):
        return f'did you mean "{close}"?'
    if not words:
        return None
    return f"{kind}: {', '.join(words[:12])}{' ...' if len(words) > 12 else ''}"
