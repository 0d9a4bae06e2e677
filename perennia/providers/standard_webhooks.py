"""Signatures of the Standard Webhooks specification (https://www.standardwebhooks.com), with which receivers know us.

And with which we know whoever signs by it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from perennia.providers.failures import Misconfigured
from perennia.providers.reports import Call, Unsigned, decoded, instant, same

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
TOLERANCE: Final = timedelta(minutes=5)  # what Standard Webhooks recommends


class Signer:
    """``secrets``: each ``whsec_`` and base64 of 24 to 64 bytes. All of them sign, so that one can be exchanged in peace."""

    def __init__(self, secrets: Sequence[str], setting: str = "webhook_secrets") -> None:
        """Raises `Misconfigured`, never with a secret in its message."""
        self._keys = [_key(secret, setting) for secret in secrets]

    def headers(self, id_: str, at: datetime, content: bytes) -> dict[str, str]:
        """The three headers of one attempt at the message ``id_``. Raises `Misconfigured` without a secret."""
        if not self._keys:
            raise Misconfigured('the setting "webhook_secrets" is missing: what cannot be signed is not sent')
        timestamp = str(int(at.timestamp()))
        signed = f"{id_}.{timestamp}.".encode() + content
        return {
            "webhook-id": id_,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signature(key, signed) for key in self._keys),
        }


def message_id(idempotency_key: str) -> str:
    """The same for the same key; it tells nothing of it, and has no dot, which would take a signature's parts apart."""
    return f"msg_{hashlib.sha256(idempotency_key.encode()).hexdigest()[:32]}"


def signature(key: bytes, signed: bytes) -> str:
    """``signed``: id, time and body, with points between them."""
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def verified(call: Call, secrets: str, setting: str) -> str:
    """The call's own name, the same each time it comes again. ``secrets``: with blanks between them.

    Raises `Unsigned`; `Misconfigured` for a secret that cannot be one, naming the ``setting``.
    """
    identity, timestamp, signatures = (
        call.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not identity or abs(call.at - instant(timestamp)) > TOLERANCE:
        raise Unsigned("the call has no name, or its time is more than five minutes from ours")
    content = f"{identity}.{timestamp}.".encode() + call.body
    keys = [decoded(each.removeprefix(PREFIX), f"a secret of {setting}") for each in secrets.split()]
    if not any(same(given, signature(key, content)) for given in signatures.split() for key in keys):
        raise Unsigned("the signature is not right; is the secret that of this webhook?")
    return identity


def _key(secret: str, setting: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not (secret.startswith(PREFIX) and LEAST_BYTES <= len(key) <= MOST_BYTES):
        raise Misconfigured(f'a secret in "{setting}" is whsec_ and base64 of 24 to 64 bytes')
    return key
