"""What a provider answers instead of success, by who can act on it.

ProviderFailure
+-- Unavailable      may pass by itself: throttled, down, timed out, dropped
+-- Refused          this message or recipient is not wanted; others are
+-- Misconfigured    nothing gets through until somebody repairs the settings
+-- Unsupported      the provider cannot do what was asked

``str()`` of a failure names what happened in our own words and the provider's codes: no address, no text of the
provider's (it quotes addresses), so it may be logged and may enter a workflow's history. What the provider said
verbatim is in ``reply``, for the store alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, TypeAlias

RefusalReason: TypeAlias = Literal["provider_refused", "invalid_address"]


class ProviderFailure(Exception):
    """Base of all. ``reply``: the provider's own words, which may hold personal data."""

    def __init__(self, message: str, *, reply: str | None = None) -> None:
        super().__init__(message)
        self.reply = reply


class Unavailable(ProviderFailure):
    """Worth trying again, not before ``retry_after`` where the provider named a time.

    ``maybe_sent``: the provider had everything it needed to accept when the connection was lost, so nobody knows.
    Without it, the message has certainly not been accepted.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        maybe_sent: bool = False,
        reply: str | None = None,
    ) -> None:
        super().__init__(message, reply=reply)
        self.retry_after = retry_after
        self.maybe_sent = maybe_sent


class Refused(ProviderFailure):
    """Trying the same again is refused again. ``reason`` is a reason code of the language.

    ``detail``: what later steps may know of the answer, for the store alone.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: RefusalReason = "provider_refused",
        reply: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, reply=reply)
        self.reason: RefusalReason = reason
        self.detail = dict(detail or {})


class Misconfigured(ProviderFailure):
    """Wrong credentials, certificate, sender or URL: every message would fail the same way, so none is dropped for it."""


class Unsupported(ProviderFailure):
    """The message needs a capability that this provider lacks."""
