"""The part of the store's interface that is about the CRM: who is which record there, and how far was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from perennia.core.definitions import Scope
from perennia.store.crm_records import CrmErasure, CrmLink, CrmNote, CrmSide, CrmTaskLink, ErasedKind, LinkState


class CrmMemory(Protocol):
    """Every method is one transaction, as all of `Store`'s. ``crm``: the adapter's name; another CRM has links of its own."""

    async def crm_sides(self, crm: str, kind: Scope, after: str, limit: int) -> list[CrmSide]:
        """Living customers of the kind in the order of their internal ids, behind ``after``."""
        ...

    async def crm_sides_of(
        self,
        crm: str,
        kind: Scope,
        *,
        records: Sequence[str] = (),
        refs: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[CrmSide]:
        """Living customers who are one of the records, have one of the external ids, or one of the addresses (normal form)."""
        ...

    async def keep_crm(self, crm: str, links: Sequence[CrmLink], notes: Mapping[str, str], at: datetime) -> None:
        """Writes links and notes in the place of former ones."""
        ...

    async def crm_names(self) -> list[str]:
        """Every CRM of which anything is noted."""
        ...

    async def crm_notes(self, crm: str) -> dict[str, CrmNote]: ...

    async def crm_counts(self, crm: str) -> dict[tuple[Scope, LinkState], int]:
        """How many customers are linked how."""
        ...

    async def crm_told(self, crm: str, kind: Scope, records: Sequence[str], at: datetime) -> None:
        """The CRM told that something happened to these records: they are to be read."""
        ...

    async def crm_untold(self, crm: str, kind: Scope, limit: int) -> list[str]:
        """Records that are to be read, those told of first in front."""
        ...

    async def crm_heard(self, crm: str, kind: Scope, records: Sequence[str], until: datetime) -> None:
        """They were read: what the CRM told of them up to this instant is done with."""
        ...

    async def crm_erasures(self, crm: str, kind: ErasedKind, limit: int, *, ordered: bool = False) -> list[CrmErasure]:
        """Records of erased customers of which nobody has seen to it what becomes of them; ``ordered``: only those."""
        ...

    async def crm_forgotten(self, crm: str, kind: ErasedKind, record: str, at: datetime, *, done: bool) -> None:
        """Somebody has seen to it. ``done``: the CRM holds nothing of them any more; what tells of the record later is late."""
        ...

    async def crm_late(self, crm: str, kind: Scope, records: Sequence[str]) -> set[str]:
        """Those of the records that are to be erased, or are, whatever is told of them."""
        ...

    async def crm_tasks_to_open(self, crm: str, limit: int) -> list[CrmTaskLink]:
        """Open tasks of linked customers that were not told to the CRM yet, the first opened first."""
        ...

    async def crm_tasks_to_end(self, crm: str, limit: int) -> list[CrmTaskLink]:
        """Tasks that have ended here, of which the CRM has not heard."""
        ...

    async def crm_tasks_of(self, crm: str, records: Sequence[str]) -> list[CrmTaskLink]:
        """Those of the CRM's tasks that are ours, and not ended on both sides."""
        ...

    async def keep_crm_task(self, crm: str, link: CrmTaskLink, at: datetime, *, ended: bool) -> None:
        """Which task of the CRM it is; ``ended``: both sides know that it has ended."""
        ...
