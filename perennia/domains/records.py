"""What the checks of a domain say, and what SPF, DKIM and DMARC records have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# RFC 1035: one string of a TXT record.
STRING_CHARS = 255


@dataclass(frozen=True)
class Checked:
    """One thing looked at. ``remedy`` None: nothing is to be done."""

    about: str
    state: Literal["ok", "warn", "fail"]
    message: str
    remedy: str | None = None


class Malformed(ValueError):
    """A record that receivers pass over or take for an error. Says what is wrong with it."""


def to_publish(name: str, value: str) -> str:
    """A TXT record as zone files and most providers' forms have it, long ones in several strings."""
    parts = [value[start : start + STRING_CHARS] for start in range(0, len(value), STRING_CHARS)]
    return f"{name}. TXT " + " ".join(f'"{part}"' for part in parts)


def tags_of(record: str) -> dict[str, str]:
    """The ``tag=value`` list of a DKIM or DMARC record, in its order (RFC 6376, 3.2). Raises `Malformed`."""
    tags: dict[str, str] = {}
    for part in record.split(";"):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise Malformed(f'"{part.strip()[:40]}" is no tag=value')
        if name.strip() in tags:
            raise Malformed(f'the tag "{name.strip()}" occurs twice')
        tags[name.strip()] = value.strip()
    return tags
