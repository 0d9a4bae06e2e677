"""Who takes part in a post: its names resolved, unknown customers made, all of them locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from perennia.store import strangers
from perennia.store.identities import ANONYMOUS, Name, lock_devices, make, resolve
from perennia.store.locking import LockedCustomer, lock_with_accounts
from perennia.store.port import StoreUnavailable
from perennia.store.records import Accepted
from perennia.store.screening import screen


@dataclass(frozen=True)
class Cast:
    """``by_name`` knows everybody whom the post names, ``by_id`` their accounts too.

    ``claimed``: what devices did that this post may claim, by anonymous id. ``items``: those of the post that are taken.
    """

    by_name: Mapping[Name, LockedCustomer]
    by_id: Mapping[str, LockedCustomer]
    claimed: dict[str, list[Accepted]] = field(default_factory=dict[str, list[Accepted]])
    items: Sequence[Accepted] = ()


def assemble(connection: Connection, items: Sequence[Accepted], at: datetime) -> Cast:
    names = names_of(items)
    known = resolve(connection, names)
    items = screen(connection, items, names - known.keys())
    names = names_of(items)
    claimed: dict[str, list[Accepted]] = {}
    if any(_is_open(item, known) for item in items):
        lock_devices(connection)
        known = resolve(connection, names)
        devices = {item.anonymous_id for item in items if item.anonymous_id and item.external_id}
        claimed = strangers.of_devices(connection, [d for d in devices if Name(ANONYMOUS, d) not in known])
        theirs = names_of(item for device in claimed.values() for item in device) - names
        known |= resolve(connection, theirs)
        names |= theirs
    cast = gather(connection, known, [n for n in names if n.scope != ANONYMOUS and n not in known], at, claimed)
    return replace(cast, items=items)


def gather(
    connection: Connection,
    known: Mapping[Name, str],
    unknown: Sequence[Name],
    at: datetime,
    claimed: dict[str, list[Accepted]],
) -> Cast:
    """Makes the unknown, locks the known and their accounts."""
    made = make(connection, unknown, at)
    others = {**known, **resolve(connection, [name for name in unknown if name not in made])}
    locked = lock_with_accounts(connection, sorted(set(others.values())))
    if any(each.is_over or each.account not in {None, *locked} for each in locked.values()):
        raise StoreUnavailable("a customer was merged, erased, or changed its account, at this moment; retry")
    by_name = {**made, **{name: locked[id_] for name, id_ in others.items()}}
    return Cast(by_name, {**locked, **{customer.id: customer for customer in made.values()}}, claimed)


def names_of(items: Iterable[Accepted]) -> set[Name]:
    names: set[Name] = set()
    for item in items:
        if item.external_id is not None:
            names.add(Name(item.kind, item.external_id))
        if item.anonymous_id is not None and item.kind == "contact":
            names.add(Name(ANONYMOUS, item.anonymous_id))
        if item.account is not None:
            names.add(Name("account", item.account))
    return names


def _is_open(item: Accepted, known: Mapping[Name, str]) -> bool:
    """Whether it depends on what other posts do with the item's anonymous id meanwhile."""
    if item.anonymous_id is None or item.kind != "contact":
        return False
    whose = known.get(Name(ANONYMOUS, item.anonymous_id))
    if item.external_id is None:
        return whose is None
    return whose is None or whose != known.get(Name("contact", item.external_id))
