"""The port to a CRM, and the adapter that only keeps in mind what it was told.

An adapter is an entry point of the group ``perennia.crm_providers``, named by the URL scheme it serves: a callable that takes
the URL, and the file that says what a URL cannot (`Settings.crm_file`), and returns a `CrmProvider`. It must pass
`tests/providers/crm_conformance.py`.

Every write may be repeated: a second one of the same changes nothing. So no adapter needs to know whether a write that
was never answered was carried out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

from perennia.providers.adapters import adapter
from perennia.providers.crm_tasks import CrmTasks, Kind
from perennia.providers.failures import Refused

ENTRY_POINT_GROUP: Final = "perennia.crm_providers"
REMEMBERED: Final = 1_000
# The adapter that is always there.
RECORD: Final = "record:"

# A text, a number, a truth, None, or a list of texts. Instants and dates are text (ISO 8601).
Value: TypeAlias = Any


@dataclass(frozen=True)
class CrmCapabilities:
    """``batch``: most records of one call of `upsert` and `read`.

    ``owners``: it knows who is responsible for a company. ``deletions``: it tells which records are gone. ``erasure``: what a
    record of each kind holds of a person can be taken from it for good.
    """

    notes: bool = True
    tasks: bool = True
    stages: bool = True
    owners: bool = True
    deletions: bool = True
    batch: int = 100
    erasure: frozenset[Kind] = frozenset(("contact", "account"))


@dataclass(frozen=True)
class CrmWrite:
    """One write about one record: ``set`` gives ``fields``; ``note``, ``task`` and ``stage`` give ``text``.

    ``ref``: the sender's id of the contact or account; ``email``: the contact's, where one is known. The same
    ``idempotency_key`` means the same write: an adapter that can tell carries it out once.
    """

    kind: Literal["set", "note", "task", "stage"]
    record: Kind
    ref: str
    email: str | None
    fields: Mapping[str, Any]
    text: str | None
    idempotency_key: str
    at: datetime


@dataclass(frozen=True)
class CrmUpsert:
    """What a record is to hold. ``ref``: our key, which the record carries; ``id``: the CRM's own, where it is known.

    ``company``: the CRM's id of the contact's company, None to leave it. A record is looked for by id, by key, and, where a
    contact's ``email`` is taken by a record without a key, that record is it.
    """

    record: Kind
    ref: str
    fields: Mapping[str, Value]
    id: str | None = None
    email: str | None = None
    company: str | None = None


@dataclass(frozen=True)
class Upserted:
    """``id`` of the record that holds it now, or why this one was refused; its neighbours are not concerned."""

    id: str | None
    refused: Refused | None = None


@dataclass(frozen=True)
class CrmRecord:
    """A record as the CRM has it. ``fields``: those asked for that hold something.

    ``merged``: ids of records that became this one. ``gone``: it was deleted; nothing else is known of it then.
    """

    record: Kind
    id: str
    ref: str | None = None
    fields: Mapping[str, Value] = field(default_factory=dict[str, Value])
    company: str | None = None
    merged: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True)
class CrmPage:
    """``cursor``: from where to go on, now or another day. ``done``: nothing more for now."""

    records: tuple[CrmRecord, ...]
    cursor: str
    done: bool


@dataclass(frozen=True)
class CrmOwner:
    """An employee, as the CRM knows them."""

    id: str
    email: str | None
    name: str | None


class CrmWriter(Protocol):
    """What carries out `crm` steps. Methods raise a `ProviderFailure`."""

    @property
    def name(self) -> str:
        """How the ledger calls it."""
        ...

    async def write(self, write: CrmWrite) -> str | None:
        """Carries the write out; the CRM's own id of what it wrote.

        A record that the CRM does not know is made for ``set`` and refused for the others.
        """
        ...

    async def examine(self) -> str:
        """Asks whether the CRM would take and tell all that it must; what to say of it. Writes nothing."""
        ...

    async def close(self) -> None:
        """Ends idle connections. A provider that was closed may be used again."""
        ...


class CrmProvider(CrmWriter, Protocol):
    """A CRM that both is written to and tells."""

    @property
    def capabilities(self) -> CrmCapabilities: ...

    @property
    def tasks(self) -> CrmTasks | None:
        """What keeps people's tasks equal; None where the CRM does not tell of their ends."""
        ...

    async def upsert(self, records: Sequence[CrmUpsert]) -> list[Upserted]:
        """Makes or changes records of one kind, at most `CrmCapabilities.batch`; an answer for each, in their order."""
        ...

    async def read(
        self, record: Kind, fields: Sequence[str], *, ids: Sequence[str] = (), refs: Sequence[str] = ()
    ) -> list[CrmRecord]:
        """Those that are there, by the CRM's ids or by our keys; a record that became another is answered as that one."""
        ...

    async def changes(self, record: Kind, fields: Sequence[str], cursor: str | None) -> CrmPage:
        """What was made, changed or merged behind the cursor, oldest first; from the beginning without one.

        A record may come again unchanged, never be left out.
        """
        ...

    def rewound(self, cursor: str) -> str:
        """The cursor so much earlier that what was seen too late is told again."""
        ...

    async def gone(self, record: Kind, cursor: str | None) -> CrmPage:
        """A page of deleted records, of those that `changes` does not tell of. Many of them come every time."""
        ...

    async def owners(self) -> Mapping[str, CrmOwner]:
        """Employees by the CRM's id."""
        ...

    async def erase(self, record: Kind, id_: str) -> None:
        """Takes from the CRM what the record says of whom it is about, and our key, as thoroughly as the CRM can.

        One that is gone already is as it should be. Raises `Unsupported` for a kind that is not among
        `CrmCapabilities.erasure`, `Refused` where the CRM does not let this one go.
        """
        ...


CrmFactory: TypeAlias = Callable[[str, Path], CrmProvider]


def crm_provider(url: str, file: Path) -> CrmProvider | RecordingCrm:
    """The adapter that serves the URL's scheme. Connects to nothing yet. Raises `Misconfigured`."""
    if url == RECORD:
        return RecordingCrm()
    return cast("CrmFactory", adapter(ENTRY_POINT_GROUP, url, "CRM adapter", ending=":"))(url, file)


@dataclass
class RecordingCrm:
    """Takes every write. The ledger keeps what was told; the last few are in ``writes``, too, for tests."""

    name: str = "recording"
    writes: deque[CrmWrite] = field(default_factory=lambda: deque[CrmWrite](maxlen=REMEMBERED))

    async def write(self, write: CrmWrite) -> str | None:
        self.writes.append(write)
        return None

    async def examine(self) -> str:
        return "no CRM is set: what `crm` steps write is only kept"

    async def close(self) -> None:
        pass
