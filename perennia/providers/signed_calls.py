"""Whether a call is signed by who has a secret: by Standard Webhooks, or by an HMAC of the body in a header of their own."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Protocol

from perennia.providers.failures import Misconfigured
from perennia.providers.reports import Call, Unsigned, digest, same
from perennia.providers.standard_webhooks import Signer, verified

SETTING = "event_hooks"


class HmacForm(Protocol):
    """``prefix``: what stands before the signature in the ``header``. ``encoding``: hex or base64."""

    @property
    def header(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def prefix(self) -> str: ...


def identity(call: Call, form: HmacForm | None, secrets: str) -> str:
    """What names the call, the same each time it comes again. Without a ``form`` it is signed by Standard Webhooks.

    ``secrets``: with blanks between them, so that one can be exchanged in peace. Raises `Unsigned`.
    """
    if form is None:
        return verified(call, secrets, SETTING)
    given = call.headers.get(form.header.lower(), "")
    if not any(same(given, signed(form, secret, call.body)) for secret in secrets.split()):
        raise Unsigned(f"{form.header} is not right; is the secret that of this webhook?")
    return digest(call.body)


def signed(form: HmacForm, secret: str, body: bytes) -> str:
    """What the header holds where ``secret`` signs the body."""
    mark = hmac.new(secret.encode(), body, getattr(hashlib, form.algorithm)).digest()
    return form.prefix + (mark.hex() if form.encoding == "hex" else base64.b64encode(mark).decode())


def must_be_secrets(form: HmacForm | None, secrets: str) -> None:
    """Raises `Misconfigured`, never with a secret in its message."""
    if not secrets.strip():
        raise Misconfigured(f"a secret in {SETTING} is empty")
    if form is None:
        Signer(secrets.split(), SETTING)
