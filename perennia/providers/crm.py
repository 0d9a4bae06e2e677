"""The port for writing to a CRM, and the adapter that only keeps in mind what it was told.

An adapter is an entry point of the group ``perennia.crm_providers``, named by the URL scheme it serves: a callable that takes
the URL and returns a `CrmProvider`. It must pass `tests/providers/crm_conformance.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

from perennia.providers.adapters import adapter

ENTRY_POINT_GROUP: Final = "perennia.crm_providers"
REMEMBERED: Final = 1_000
# The adapter that is always there.
RECORD: Final = "record:"


@dataclass(frozen=True)
class CrmWrite:
    """One write about one record: ``set`` gives ``fields``; ``note``, ``task`` and ``stage`` give ``text``.

    ``ref``: the sender's id of the contact or account; ``email``: the contact's, where one is known. The same
    ``idempotency_key`` means the same write: an adapter that can tell carries it out once.
    """

    kind: Literal["set", "note", "task", "stage"]
    record: Literal["contact", "account"]
    ref: str
    email: str | None
    fields: Mapping[str, Any]
    text: str | None
    idempotency_key: str
    at: datetime


class CrmProvider(Protocol):
    @property
    def name(self) -> str:
        """How the ledger calls it."""
        ...

    async def write(self, write: CrmWrite) -> str | None:
        """Carries the write out; the CRM's own id of what it wrote. Raises a `ProviderFailure`.

        A record that the CRM does not know is made for ``set`` and refused for the others.
        """
        ...

    async def close(self) -> None:
        """Ends idle connections. A provider that was closed may be used again."""
        ...


CrmFactory: TypeAlias = Callable[[str], CrmProvider]


def crm_provider(url: str) -> CrmProvider:
    """The adapter that serves the URL's scheme. Connects to nothing yet. Raises `Misconfigured`."""
    if url == RECORD:
        return RecordingCrm()
    return cast("CrmFactory", adapter(ENTRY_POINT_GROUP, url, "CRM adapter", ending=":"))(url)


@dataclass
class RecordingCrm:
    """Takes every write. The ledger keeps what was told; the last few are in ``writes``, too, for tests."""

    name: str = "recording"
    writes: deque[CrmWrite] = field(default_factory=lambda: deque[CrmWrite](maxlen=REMEMBERED))

    async def write(self, write: CrmWrite) -> str | None:
        self.writes.append(write)
        return None

    async def close(self) -> None:
        pass
