"""The secrets of API keys: made here, shown once, kept only as a hash."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

# By the prefix scanners of source code and logs find a key that leaked.
PREFIX: Final = "prn_"
_HINT_CHARS: Final = len(PREFIX) + 4


def new_secret() -> str:
    """256 bits of chance, to be typed by nobody."""
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


def new_key_id() -> str:
    return f"key_{secrets.token_hex(6)}"


def digest(secret: str) -> str:
    """What is kept of it. Plain SHA-256: what 256 bits of chance made cannot be guessed, however fast the hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def hint(secret: str) -> str:
    """Its beginning, by which people recognise it."""
    return secret[:_HINT_CHARS]
