"""The port for telling the team something, and the adapter that only keeps in mind what it was told.

An adapter is an entry point of the group ``perennia.channel_providers``, named by the URL scheme it serves: a callable that
takes the URL and `Means`, and returns a `ChannelProvider`. Those that ship are in `channels`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeAlias, cast

from perennia.providers.adapters import adapter
from perennia.providers.addresses import Mailbox
from perennia.providers.email import EmailProvider
from perennia.providers.failures import Misconfigured
from perennia.providers.guarded_http import GuardedHttp
from perennia.providers.standard_webhooks import Signer

ENTRY_POINT_GROUP: Final = "perennia.channel_providers"
REMEMBERED: Final = 1_000
# The adapter that is always there.
RECORD: Final = "record:"


@dataclass(frozen=True)
class Notice:
    """A text for one channel. The same ``idempotency_key`` is the same notice. ``sender``: who mail comes from, if not told."""

    channel: str
    text: str
    idempotency_key: str
    at: datetime
    sender: Mailbox | None = None


class ChannelProvider(Protocol):
    @property
    def name(self) -> str:
        """How the ledger calls it."""
        ...

    async def post(self, notice: Notice) -> str | None:
        """Posts it; the provider's own id of it, where it gave one. Raises a `ProviderFailure`."""
        ...

    async def close(self) -> None:
        """Ends idle connections. A provider that was closed may be used again."""
        ...


@dataclass(frozen=True)
class Means:
    """What adapters reach the world with: the installation's own."""

    http: GuardedHttp
    signer: Signer
    email: EmailProvider


ChannelFactory: TypeAlias = Callable[[str, Means], ChannelProvider]


class Channels:
    """The team's channels by name. Without any at all, every notice is only recorded."""

    def __init__(self, providers: Mapping[str, ChannelProvider]) -> None:
        self._providers = dict(providers)
        self._recording = RecordingChannel()

    def provider(self, channel: str) -> ChannelProvider:
        """Raises `Misconfigured`."""
        if not self._providers:
            return self._recording
        if channel not in self._providers:
            known = ", ".join(sorted(self._providers))
            raise Misconfigured(f'the setting "channels" has no "{channel}"; there are: {known}')
        return self._providers[channel]


def channel_provider(url: str, means: Means) -> ChannelProvider:
    """The adapter that serves the URL's scheme. Connects to nothing yet. Raises `Misconfigured`."""
    if url == RECORD:
        return RecordingChannel()
    return cast("ChannelFactory", adapter(ENTRY_POINT_GROUP, url, "channel", ending=":"))(url, means)


@dataclass
class RecordingChannel:
    """Takes every notice. The ledger keeps what was told; the last few are in ``notices``, too, for tests."""

    name: str = "recording"
    notices: deque[Notice] = field(default_factory=lambda: deque[Notice](maxlen=REMEMBERED))

    async def post(self, notice: Notice) -> str | None:
        self.notices.append(notice)
        return None

    async def close(self) -> None:
        pass
