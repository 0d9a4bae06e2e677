"""Published definitions as they are stored: immutable, content-addressed documents."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

# How the playbook of a broadcast is called: its name follows. No definition's id has a colon.
BROADCAST: Final = "broadcast:"

DocumentKind: TypeAlias = Literal["playbook", "track", "segment", "health", "survey", "policies", "template"]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable version of one definition. ``body`` is canonical JSON; ``version`` its `content_hash`.

    ``published_at``: when the store first published it; None for what is not published.
    """

    kind: DocumentKind
    id: str
    version: str
    body: str
    published_at: datetime | None = None


class PlaybookBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A playbook's body: the definition (defaults left out), the version of each template and each survey it names."""

    definition: dict[str, object]
    templates: dict[str, str]
    surveys: dict[str, dict[str, object]] = {}


class TemplateBody(msgspec.Struct, frozen=True, kw_only=True):
    """A template's body: its files by ending (``md``, ``de.md``, ``txt`` ...) and those of its layout, None without one."""

    name: str
    files: dict[str, str]
    layout: dict[str, str] | None = None


class Triggers(msgspec.Struct, frozen=True, kw_only=True):
    """Event names that start something for anybody: exact ones, and prefixes (of ``NAME*``).

    ``confirmed``: topics to which consent counts only once it was confirmed.
    """

    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()


def content_hash(body: str) -> str:
    """The first 20 hex digits of SHA-256: 80 bits, short enough for each enrollment's state."""
    return hashlib.sha256(body.encode()).hexdigest()[:20]
