"""Where mail that cannot be delivered comes back to: an address of its own for each message (VERP), signed.

``bounces+REFERENCE-SIGNATURE@mail.example.com``: whoever has not seen the message cannot make one, and so cannot tell us that
it has bounced. Servers on the way may write it in other letters' case, so both parts are read without regard to case.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Sequence
from typing import Final

from perennia.providers.addresses import MAX_LOCAL_BYTES, InvalidAddress, Mailbox
from perennia.providers.failures import Misconfigured
from perennia.providers.reports import same

_SIGNATURE_BYTES: Final = 10  # 80 bits, 16 letters: nobody can try many of them against a mail server
_TAIL: Final = re.compile(r"\+([0-9a-f]{32})-([a-z2-7]{16})")  # 50 characters
_MAX_NAME: Final = MAX_LOCAL_BYTES - 50


class ReturnPaths:
    """``address``: the mailbox of what comes back. ``keys``: the first one signs, all are accepted.

    Raises `Misconfigured` for an address that leaves no room for what is added to it, and where there is no key.
    """

    def __init__(self, address: str, keys: Sequence[str]) -> None:
        try:
            mailbox = Mailbox(address)
        except InvalidAddress as error:
            raise Misconfigured(f"is no address: {error}") from error
        self._name, _, self._domain = mailbox.address.lower().rpartition("@")
        if not re.fullmatch(rf"[a-z0-9._-]{{1,{_MAX_NAME}}}", self._name):
            raise Misconfigured(f"the part before the @ has at most {_MAX_NAME} letters, digits, dots, and no +")
        if not keys or not all(keys):
            raise Misconfigured("there is no key to sign with; set link_keys")
        self._keys = [key.encode() for key in keys]

    def of(self, reference: str) -> Mailbox:
        """Where the message with this reference (32 hexadecimal digits) comes back to."""
        return Mailbox(f"{self._name}+{reference}-{_signature(self._keys[0], reference)}@{self._domain}")

    def reference(self, address: str) -> str | None:
        """Whose return path it is; None where it is none, or was not made here."""
        name, _, domain = address.lower().rpartition("@")
        found = _TAIL.fullmatch(name.removeprefix(self._name))
        if found is None or domain != self._domain or not name.startswith(self._name):
            return None
        reference, given = found.groups()
        right = [same(given, _signature(key, reference)) for key in self._keys]  # all of them, whichever it is
        return reference if any(right) else None

    def takes(self, address: str) -> bool:
        """Whether mail to it is ours: a return path, or the mailbox itself."""
        return address.lower() == f"{self._name}@{self._domain}" or self.reference(address) is not None


def _signature(key: bytes, reference: str) -> str:
    digest = hmac.digest(key, b"perennia.return-path\0" + reference.encode(), hashlib.sha256)
    return b32encode(digest[:_SIGNATURE_BYTES]).decode().lower()
