"""Both sides compared in full: what differs, what is missing where. Nothing is changed; differences can be looked at anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from perennia.core.agreement import Rule, mark
from perennia.core.json_values import Json
from perennia.crm.field_map import ACCOUNT, OWNER_TRAIT, FieldMap
from perennia.providers.crm import CrmProvider, CrmRecord, Kind
from perennia.store.crm_port import CrmMemory
from perennia.store.crm_records import CrmLink, CrmSide


class Difference(msgspec.Struct, frozen=True):
    """``ours`` and ``theirs``: what each side holds of the trait."""

    kind: Kind
    customer: str
    trait: str
    ours: Json
    theirs: Json


@dataclass
class Reconciliation:
    """``equal``: linked customers without a difference. ``unlinked``: customers who are no record there.

    ``lost``: linked to a record that is not there any more, and nobody has noticed yet. ``strangers``: records that are no
    customer of ours.
    """

    equal: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])
    unlinked: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    gone: int = 0
    strangers: int = 0

    @property
    def agrees(self) -> bool:
        return not (self.differences or self.lost)


async def reconcile(
    memory: CrmMemory, provider: CrmProvider, map_: FieldMap, *, repair_at: datetime | None = None
) -> Reconciliation:
    """Reads everybody on both sides. ``repair_at``: what differs counts as never seen, and the next run lets the winner win.

    Raises `ProviderFailure`.
    """
    found = Reconciliation()
    for kind in ("account", "contact"):
        if map_.of(kind).fields:
            await _Comparison(memory, provider, map_, kind, found, repair_at).all()
    return found


@dataclass
class _Comparison:
    memory: CrmMemory
    provider: CrmProvider
    map: FieldMap
    kind: Kind
    found: Reconciliation
    repair_at: datetime | None

    async def all(self) -> None:
        size = self.provider.capabilities.batch
        after = ""
        while sides := await self.memory.crm_sides(self.provider.name, self.kind, after, size):
            await self._page(sides)
            after = sides[-1].customer
        await self._strangers()

    async def _page(self, sides: Sequence[CrmSide]) -> None:
        linked = {side.link.record: side for side in sides if side.link is not None and side.link.state == "linked"}
        names = self.map.of(self.kind).names()
        ids = [id_ for id_ in linked if id_ is not None]
        records = {each.id: each for each in await self.provider.read(self.kind, names, ids=ids)} if ids else {}
        for side in sides:
            if side.link is None or side.link.state == "refused":
                self.found.unlinked.append(side.ref)
            elif side.link.state != "linked":
                self.found.gone += 1
            elif (record := records.get(side.link.record or "")) is None:
                self.found.lost.append(side.ref)
            else:
                await self._pair(side, side.link, record)

    async def _pair(self, side: CrmSide, link: CrmLink, record: CrmRecord) -> None:
        rules = [rule for rule in self.map.of(self.kind).rules(self.kind) if rule.trait not in (ACCOUNT, OWNER_TRAIT)]
        differing = [rule for rule in rules if _differs(rule, side, link, record)]
        self.found.equal += not differing
        self.found.differences += [
            Difference(self.kind, side.ref, rule.trait, side.traits.get(rule.trait), record.fields.get(rule.field))
            for rule in differing
        ]
        if differing and self.repair_at is not None:
            seen = {
                trait: marks for trait, marks in link.seen.items() if trait not in {rule.trait for rule in differing}
            }
            again = msgspec.structs.replace(link, seen=seen, attempt=None, count=link.count + 1)
            await self.memory.keep_crm(self.provider.name, [again], {}, self.repair_at)

    async def _strangers(self) -> None:
        cursor: str | None = None
        while True:
            page = await self.provider.changes(self.kind, [], cursor)
            ids = [each.id for each in page.records if not each.gone]
            sides = await self.memory.crm_sides_of(self.provider.name, self.kind, records=ids) if ids else []
            known = {side.link.record for side in sides if side.link is not None}
            self.found.strangers += len(set(ids) - known)
            if page.done:
                return
            cursor = page.cursor


def _differs(rule: Rule, side: CrmSide, link: CrmLink, record: CrmRecord) -> bool:
    """What the CRM keeps in a form of its own was agreed in that form."""
    marks = mark(side.traits.get(rule.trait)), mark(record.fields.get(rule.field))
    return marks[0] != marks[1] and link.seen.get(rule.trait) != marks
