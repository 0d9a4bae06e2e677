"""Who may send: write keys, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Sequence

from perennia.core.json_values import Json


async def _nobody(_secret: str) -> bool:
    return False


class WriteKeys:
    """The keys of one installation's settings, and those that ``may_send`` knows. None given: nobody may send."""

    def __init__(self, keys: Sequence[str], may_send: Callable[[str], Awaitable[bool]] = _nobody) -> None:
        self._keys = [key.encode() for key in keys if key]
        self._may_send = may_send

    async def accept(self, key: Json) -> bool:
        """True for one of the keys. Takes as long for a wrong key as for a right one. Raises `StoreUnavailable`."""
        if not isinstance(key, str):
            return False
        given = key.encode("utf-8", "replace")
        matches = [hmac.compare_digest(given, known) for known in self._keys]  # all of them, whichever it is
        return any(matches) or await self._may_send(key)


def basic_user(authorization: str | None) -> str | None:
    """The user name of an HTTP Basic header, where SDKs put the write key; None for anything else."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, _ = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user or None
