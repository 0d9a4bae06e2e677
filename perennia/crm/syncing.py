"""Keeps customers and the CRM's records equal, a page at a time.

What comes from the CRM is accepted as an input like any other, and what is given to it may be given twice; both happen before
it is written down that they did. So a run that is killed anywhere is simply run again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import msgspec

from perennia.clock import Clock
from perennia.core.agreement import Agreed, agree, mark, owed
from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.core.json_values import Json, JsonObject
from perennia.crm.field_map import ACCOUNT, FieldMap
from perennia.crm.pairing import Pair, companies_of_refs, paired, refs_of_companies
from perennia.crm.sync_reports import RUN, SyncReport, read_report, written
from perennia.crm.task_syncing import CURSOR as TASK_CURSOR
from perennia.crm.task_syncing import TaskSync
from perennia.providers.crm import CrmOwner, CrmProvider, CrmRecord, CrmUpsert, Kind, Upserted
from perennia.providers.failures import ProviderFailure, Refused, Unsupported
from perennia.store.crm_records import CrmLink, CrmSide, ErasedKind
from perennia.store.port import Store
from perennia.store.records import Accepted, Merge

log = logging.getLogger(__name__)

# Accounts come first: contacts belong to them.
KINDS: Final[tuple[Kind, ...]] = ("account", "contact")
PHASES: Final = ("erased", "told", "in", "gone", "out")
ORDER: Final = (*(f"{kind}/{phase}" for kind in KINDS for phase in PHASES), "contact/tasks")
# HubSpot lists all that was deleted in 90 days, each time; its calls tell of deletions at once.
LOOK_FOR_GONE_EVERY: Final = timedelta(hours=1)
DELETED_EVENT: Final = "CRM Record Deleted"


@dataclass(frozen=True)
class CrmSync:
    """``ring`` is told whose bells were set."""

    store: Store
    provider: CrmProvider
    map: FieldMap
    clock: Clock
    ring: Callable[[Sequence[str]], None]

    async def step(self, position: str) -> str | None:
        """Does a page of work; from where to go on, None at the end of the run. A run begins with an empty position.

        Raises `ProviderFailure` and `StoreUnavailable`: then the same step is to be taken again.
        """
        if not position:
            return await self._begin()
        phase, _, after = position.partition(":")
        page = _Page(self, *_split(phase), await self._report())
        try:
            onward = await page.work(after)
        except ProviderFailure as failure:
            page.report.failure = f"{type(failure).__name__}: {failure}"
            await self._keep((), {RUN: written(page.report)})
            raise
        page.report.failure = None
        following = f"{phase}:{onward}" if onward is not None else _after(phase)
        if following is None:
            page.report.ended = self.clock.now()
        await self._keep(page.links.values(), {**page.notes, RUN: written(page.report)})
        return following

    async def _begin(self) -> str:
        """What was seen too late last time is asked for again."""
        notes = await self.store.crm_notes(self.provider.name)
        cursors = {f"cursor/{kind}" for kind in KINDS} & notes.keys()
        again = {name: self.provider.rewound(notes[name].value) for name in cursors}
        if TASK_CURSOR in notes and self.provider.tasks is not None:
            again[TASK_CURSOR] = self.provider.tasks.rewound(notes[TASK_CURSOR].value)
        await self._keep((), {**again, RUN: written(SyncReport(started=self.clock.now()))})
        return f"{ORDER[0]}:"

    async def _report(self) -> SyncReport:
        note = (await self.store.crm_notes(self.provider.name)).get(RUN)
        return SyncReport(started=self.clock.now()) if note is None else read_report(note.value)

    async def _keep(self, links: Iterable[CrmLink], notes: Mapping[str, str]) -> None:
        await self.store.keep_crm(self.provider.name, list(links), notes, self.clock.now())


def _split(phase: str) -> tuple[Kind, str]:
    kind, _, name = phase.partition("/")
    return ("account" if kind == "account" else "contact"), name


def _after(phase: str) -> str | None:
    index = ORDER.index(phase) + 1
    return f"{ORDER[index]}:" if index < len(ORDER) else None


@dataclass
class _Page:
    """One page of one kind in one direction. ``links`` and ``notes`` are written when all of it is done."""

    sync: CrmSync
    kind: Kind
    phase: str
    report: SyncReport
    links: dict[str, CrmLink] = field(default_factory=dict[str, CrmLink])
    notes: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self._store = self.sync.store
        self._crm = self.sync.provider
        self._map = self.sync.map.of(self.kind)
        self._rules = self._map.rules(self.kind)
        self._counts = self.report.counts[self.kind]

    async def work(self, after: str) -> str | None:
        """From where the phase goes on; None where it is over."""
        if self.phase == "erased":
            return await self._erase()
        if self.phase == "tasks":
            return await self._keep_tasks_equal()
        if not self._rules or (not self._map.fields and self._map.owner is None):
            return None
        match self.phase:
            case "told":
                return await self._read_told()
            case "in":
                return await self._take_changes()
            case "gone":
                return await self._look_for_gone(after)
            case _:
                return await self._give(after)

    async def _keep_tasks_equal(self) -> str | None:
        """Of both kinds."""
        theirs = self._crm.tasks
        if self.sync.map.tasks == "none" or theirs is None:
            return None
        sync = TaskSync(self._store, self._crm, theirs, self.sync.clock, self.sync.ring, self.report)
        return None if await sync.page(self.notes) else ""

    # --- who was erased here ---

    async def _erase(self) -> str | None:
        """Tasks about them, too. What the CRM does not let go is told in the report, and not tried again."""
        is_left = False
        for kind in (self.kind, "task"):
            found = await self._store.crm_erasures(self._crm.name, kind, self._crm.capabilities.batch)
            for each in found:
                is_due = each.ordered or self.sync.map.erased == "erase"
                done = is_due and await self._erase_record(kind, each.record)
                await self._store.crm_forgotten(self._crm.name, kind, each.record, self.sync.clock.now(), done=done)
            is_left = is_left or bool(found)
        return "" if is_left else None

    async def _erase_record(self, kind: ErasedKind, record: str) -> bool:
        try:
            if kind != "task":
                await self._crm.erase(kind, record)
                self._counts.erased += 1
            elif self._crm.tasks is not None:
                await self._crm.tasks.end(record, "cancelled")
        except (Refused, Unsupported) as refused:
            self.report.refuse(self.kind, f"record {record}", str(refused))
            return False
        return True

    # --- from the CRM ---

    async def _read_told(self) -> str | None:
        now = self.sync.clock.now()
        ids = await self._store.crm_untold(self._crm.name, self.kind, self._crm.capabilities.batch)
        if not ids:
            return None
        found = await self._crm.read(self.kind, self._map.names(), ids=ids)
        told = {id_ for each in found for id_ in (each.id, *each.merged)}
        missing = [CrmRecord(self.kind, id_, gone=True) for id_ in ids if id_ not in told]
        await self._take([*found, *missing])
        await self._store.crm_heard(self._crm.name, self.kind, ids, now)
        return ""

    async def _take_changes(self) -> str | None:
        name = f"cursor/{self.kind}"
        note = (await self._store.crm_notes(self._crm.name)).get(name)
        page = await self._crm.changes(self.kind, self._map.names(), None if note is None else note.value)
        await self._take(page.records)
        self.notes[name] = page.cursor
        return None if page.done else ""

    async def _look_for_gone(self, after: str) -> str | None:
        name, now = f"gone/{self.kind}", self.sync.clock.now()
        if not after:
            note = (await self._store.crm_notes(self._crm.name)).get(name)
            if note is not None and note.at > now - LOOK_FOR_GONE_EVERY:
                return None
        page = await self._crm.gone(self.kind, after or None)
        await self._take(page.records)
        if page.done:
            self.notes[name] = "all"
            return None
        return page.cursor

    async def _take(self, told: Sequence[CrmRecord]) -> None:
        late = await self._store.crm_late(self._crm.name, self.kind, [each.id for each in told])
        records = [each for each in told if each.id not in late]
        living = [each for each in records if not each.gone]
        email = self._map.fields.get("email")
        address = email.crm if self.kind == "contact" and email is not None else None
        found = await paired(self._store, self._crm.name, self.kind, living, address)
        new = [self._newcomer(each) for each in found.unknown if self._map.missing_here == "create"]
        self._counts.unknown += len(found.unknown) - len(new)
        await self._absorb(found.pairs)
        await self._bring_together([*found.pairs, *new])
        await self._lose([each.id for each in records if each.gone])

    def _newcomer(self, record: CrmRecord) -> Pair:
        self._counts.made_here += 1
        ref = record.ref or f"{self._crm.name}-{record.id}"
        return Pair(CrmSide(customer="", kind=self.kind, ref=ref, traits={}), record)

    async def _absorb(self, pairs: Sequence[Pair]) -> None:
        """Contacts that became one in the CRM become one here; an account stays, and is left alone from here on."""
        for pair in pairs:
            for other in pair.absorbed:
                if self.kind == "contact":
                    message_id = f"crm:{self._crm.name}:merge:{other.ref}:{pair.side.ref}"
                    at = self.sync.clock.now()
                    merge = Merge(message_id=message_id, at=at, previous_id=other.ref, external_id=pair.side.ref)
                    await self._accept([merge])
                self._link(other, state="merged")
                self._counts.merged += 1

    async def _lose(self, ids: Sequence[str]) -> None:
        """What was deleted there is not made again: playbooks hear of it, and decide."""
        sides = await self._store.crm_sides_of(self._crm.name, self.kind, records=ids) if ids else []
        lost = [side for side in sides if side.link is not None and side.link.state == "linked"]
        await self._accept([self._deleted(side) for side in lost])
        for side in lost:
            if side.customer not in self.links:  # known by another record meanwhile
                self._link(side, state="gone")
                self._counts.gone += 1

    def _deleted(self, side: CrmSide) -> Accepted:
        count = 0 if side.link is None else side.link.count
        event = CustomerEvent(
            at=self.sync.clock.now(),
            name=DELETED_EVENT,
            properties={"crm": self._crm.name, "record": self.kind},
        )
        message_id = f"crm:{self._crm.name}:{side.customer}:gone:{count}"
        return Accepted(message_id=message_id, kind=self.kind, external_id=side.ref, input=event)

    # --- to the CRM ---

    async def _give(self, after: str) -> str | None:
        size = self._crm.capabilities.batch
        sides = await self._store.crm_sides(self._crm.name, self.kind, after, size)
        due = [side for side in sides if self._owes(side)]
        if due:
            await self._compare(due)
        return sides[-1].customer if len(sides) == size else None

    def _owes(self, side: CrmSide) -> bool:
        link = side.link
        if link is None or link.state == "refused":
            is_due = self._map.missing_there == "create" and owed(self._rules, _held(side), {})
        else:
            is_due = link.state == "linked" and owed(self._rules, _held(side), link.seen)
        return is_due and (link is None or link.attempt != self._fingerprint(side))

    def _fingerprint(self, side: CrmSide) -> str:
        """Of all that we would give: the CRM refuses the same again."""
        held = _held(side)
        return mark({rule.field: held.get(rule.trait) for rule in self._rules if rule.direction != "in"})

    async def _compare(self, due: Sequence[CrmSide]) -> None:
        """With what the CRM holds at this moment."""
        linked = {side.link.record: side for side in due if side.link is not None and side.link.record is not None}
        others = [side.ref for side in due if side.link is None or side.link.record is None]
        records = await self._crm.read(self.kind, self._map.names(), ids=list(linked), refs=others)
        found = await paired(self._store, self._crm.name, self.kind, records, None)
        await self._absorb(found.pairs)
        there = {pair.side.customer for pair in found.pairs}
        told = {id_ for each in records for id_ in (each.id, *each.merged)}
        new = [Pair(side, None) for side in due if side.ref in set(others) and side.customer not in there]
        await self._bring_together([*found.pairs, *new])
        await self._lose([id_ for id_ in linked if id_ not in told])

    # --- both ---

    async def _bring_together(self, pairs: Sequence[Pair]) -> None:
        """Takes first, then gives: what was taken twice is one input, what is given twice is the same."""
        agreed = [(pair, self._agreed(pair)) for pair in await self._with_accounts(pairs)]
        await self._accept([item for pair, each in agreed if (item := self._told(pair, each)) is not None])
        due = [(pair, each) for pair, each in agreed if _must_give(pair, each)]
        companies = await companies_of_refs(
            self._store, self._crm.name, [str(each.outward[ACCOUNT]) for _, each in due if each.outward.get(ACCOUNT)]
        )
        done = dict(zip((pair.side.ref for pair, _ in due), await self._upsert(due, companies), strict=True))
        for pair, each in agreed:
            self._note(pair, each, done.get(pair.side.ref), companies)

    async def _with_accounts(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Contacts' records name their account by our key, owners are people."""
        companies = [pair.record.company for pair in pairs if pair.record is not None and pair.record.company]
        refs = await refs_of_companies(self._store, self._crm.name, companies) if companies else {}
        owner = self._map.owner
        people: Mapping[str, CrmOwner] = {}
        if owner is not None and any(pair.record is not None and pair.record.fields.get(owner) for pair in pairs):
            people = await self._crm.owners()
        return [pair if pair.record is None else self._shown(pair, pair.record, refs, people) for pair in pairs]

    def _shown(self, pair: Pair, record: CrmRecord, refs: Mapping[str, str], people: Mapping[str, CrmOwner]) -> Pair:
        fields: dict[str, Json] = dict(record.fields)
        # A contact that left its company there stays with its account here: what is not said is no news.
        agreed_before = pair.side.link is not None and ACCOUNT in pair.side.link.seen
        fields[ACCOUNT] = refs.get(record.company or "") or (pair.side.account if agreed_before else None)
        if self._map.owner is not None:
            person = people.get(str(fields.get(self._map.owner)))
            fields[self._map.owner] = None if person is None else _described(person)
        return Pair(pair.side, replace(record, fields=fields), pair.absorbed)

    def _agreed(self, pair: Pair) -> Agreed:
        theirs: Mapping[str, Json] = {} if pair.record is None else pair.record.fields
        seen = {} if pair.side.link is None else pair.side.link.seen
        return agree(self._rules, _held(pair.side), theirs, seen)

    def _told(self, pair: Pair, agreed: Agreed) -> Accepted | None:
        """What the CRM says of the customer. Its name is another whenever it says something else, or says it anew."""
        traits: JsonObject = {name: value for name, value in agreed.inward.items() if name != ACCOUNT}
        account = agreed.inward.get(ACCOUNT)
        if not traits and not isinstance(account, str) and pair.side.customer:
            return None
        count = 0 if pair.side.link is None else pair.side.link.count
        said = hashlib.sha256(mark({**agreed.inward}).encode()).hexdigest()[:12]
        self._counts.taken += 1
        return Accepted(
            message_id=f"crm:{self._crm.name}:{self.kind}:{pair.side.customer or pair.side.ref}:{count}:{said}",
            kind=self.kind,
            external_id=pair.side.ref,
            input=TraitsChanged(at=self.sync.clock.now(), traits=traits) if traits else None,
            account=account if isinstance(account, str) else None,
        )

    async def _upsert(self, due: Sequence[tuple[Pair, Agreed]], companies: Mapping[str, str]) -> list[Upserted]:
        size = self._crm.capabilities.batch
        records = [self._record(pair, agreed, companies) for pair, agreed in due]
        done: list[Upserted] = []
        for start in range(0, len(records), size):
            done += await self._crm.upsert(records[start : start + size])
        return done

    def _record(self, pair: Pair, agreed: Agreed, companies: Mapping[str, str]) -> CrmUpsert:
        fields = {name: value for name, value in agreed.outward.items() if name != ACCOUNT}
        email = pair.side.traits.get("email")
        return CrmUpsert(
            self.kind,
            pair.side.ref,
            fields,
            id=None if pair.record is None else pair.record.id,
            email=email if self.kind == "contact" and pair.record is None and isinstance(email, str) else None,
            company=companies.get(str(agreed.outward.get(ACCOUNT) or "")),
        )

    def _note(self, pair: Pair, agreed: Agreed, done: Upserted | None, companies: Mapping[str, str]) -> None:
        side, record = pair.side, None if pair.record is None else pair.record.id
        if done is not None and done.refused is not None:
            self.report.refuse(self.kind, side.ref, str(done.refused))
            state = "refused" if record is None else "linked"
            self._link(side, record=record, state=state, seen=agreed.before, attempt=self._fingerprint(side))
            return
        if done is not None:
            self._counts.given += 1
            self._counts.made_there += record is None
            record = done.id or record
        account = agreed.outward.get(ACCOUNT)
        waits = isinstance(account, str) and account not in companies  # until the CRM has the account
        seen = {name: marks for name, marks in agreed.seen.items() if not (waits and name == ACCOUNT)}
        self._link(side, record=record, state="linked", seen=seen, attempt=None)

    def _link(self, side: CrmSide, **changes: object) -> None:
        former = self.links.get(side.customer) or side.link or CrmLink(customer=side.customer)
        link = msgspec.structs.replace(former, **changes)
        if side.customer and link != side.link:
            self.links[side.customer] = msgspec.structs.replace(link, count=former.count + 1)

    async def _accept(self, items: Sequence[Accepted | Merge]) -> None:
        if items:
            receipt = await self._store.accept(items, self.sync.clock.now())
            self.sync.ring(receipt.rung)


def _held(side: CrmSide) -> dict[str, Json]:
    return {**side.traits, ACCOUNT: side.account}


def _must_give(pair: Pair, agreed: Agreed) -> bool:
    """Also our key alone, where the record does not carry it."""
    return bool(agreed.outward) or (pair.record is not None and pair.record.ref != pair.side.ref)


def _described(person: CrmOwner) -> JsonObject:
    """As the trait ``owner`` has it: tasks are assigned to the address, where there is one."""
    told: JsonObject = {"id": person.email or person.id, "email": person.email, "name": person.name}
    return {name: value for name, value in told.items() if value is not None}
