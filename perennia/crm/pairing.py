"""Which customer a record of the CRM is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perennia.core.json_values import Json
from perennia.providers.crm import CrmRecord, Kind
from perennia.store.crm_port import CrmMemory
from perennia.store.crm_records import CrmSide


@dataclass(frozen=True)
class Pair:
    """A customer and its record; ``record`` None: there is none yet. ``absorbed``: customers whose records became this one."""

    side: CrmSide
    record: CrmRecord | None
    absorbed: Sequence[CrmSide] = ()


@dataclass
class Paired:
    """``unknown``: records that are no customer of ours."""

    pairs: list[Pair] = field(default_factory=list[Pair])
    unknown: list[CrmRecord] = field(default_factory=list[CrmRecord])


async def paired(memory: CrmMemory, crm: str, kind: Kind, records: Sequence[CrmRecord], address: str | None) -> Paired:
    """By the record that a customer is known to be, by our key, by what became it, by an address that one alone has.

    ``address``: the field that holds it. A record that came several times counts as it came last.
    """
    newest = {each.id: each for each in records}
    addresses = [] if address is None else [_normal(each.fields.get(address)) for each in newest.values()]
    sides = await memory.crm_sides_of(
        crm,
        kind,
        records=[id_ for each in newest.values() for id_ in (each.id, *each.merged)],
        refs=[each.ref for each in newest.values() if each.ref is not None],
        addresses=[each for each in addresses if each],
    )
    known = _Known(sides)
    found = Paired()
    taken: set[str] = set()
    for each in newest.values():
        side = known.side_of(each, None if address is None else _normal(each.fields.get(address)))
        if side is None or side.customer in taken:
            found.unknown.append(each)
        else:
            taken.add(side.customer)
            found.pairs.append(Pair(side, each, known.absorbed_by(each, side)))
    return found


class _Known:
    def __init__(self, sides: Sequence[CrmSide]) -> None:
        self._by_record: dict[str, CrmSide] = {}
        self._by_ref = {side.ref: side for side in sides}
        self._by_address: dict[str, list[CrmSide]] = {}
        for side in sides:
            if side.link is not None and side.link.record is not None and side.link.state != "merged":
                self._by_record[side.link.record] = side
            elif side.address is not None and (side.link is None or side.link.state == "refused"):
                self._by_address.setdefault(side.address, []).append(side)

    def side_of(self, record: CrmRecord, address: str | None) -> CrmSide | None:
        named = self._by_record.get(record.id) or self._by_ref.get(record.ref or "")
        became = next((self._by_record[id_] for id_ in record.merged if id_ in self._by_record), None)
        alike = self._by_address.get(address or "", []) if record.ref is None else []
        return named or became or (alike[0] if len(alike) == 1 else None)

    def absorbed_by(self, record: CrmRecord, side: CrmSide) -> list[CrmSide]:
        others = (self._by_record.get(id_) for id_ in record.merged)
        return [other for other in others if other is not None and other.customer != side.customer]


def _normal(value: Json) -> str | None:
    """As the store compares addresses."""
    return value.strip().lower() or None if isinstance(value, str) else None


async def refs_of_companies(memory: CrmMemory, crm: str, companies: Sequence[str]) -> dict[str, str]:
    """Accounts' external ids by the CRM's ids of their records."""
    sides = await memory.crm_sides_of(crm, "account", records=list(dict.fromkeys(companies)))
    return {side.link.record: side.ref for side in sides if side.link is not None and side.link.record is not None}


async def companies_of_refs(memory: CrmMemory, crm: str, refs: Sequence[str]) -> Mapping[str, str]:
    """The reverse."""
    sides = await memory.crm_sides_of(crm, "account", refs=list(dict.fromkeys(refs)))
    return {
        side.ref: side.link.record
        for side in sides
        if side.link is not None and side.link.record is not None and side.link.state == "linked"
    }
