"""Accepting what ingest hands in: a handful of statements for a batch of any size.

Everything is decided in memory, under the locks of the customers concerned, and written at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from perennia.store.arrivals import keep_rejected, look_up
from perennia.store.bodies import storable
from perennia.store.cast import assemble
from perennia.store.merging import merge
from perennia.store.records import Accepted, Merge, Receipt, Rejected
from perennia.store.taking import Taking


def accept(connection: Connection, items: Sequence[Accepted | Merge | Rejected], at: datetime) -> Receipt:
    """`Store.accept`, as one transaction. What comes in for an erased customer counts as accepted, and leaves nothing."""
    turned_away = [item for item in items if isinstance(item, Rejected)]
    keep_rejected(connection, turned_away)
    receipt = Receipt(accepted=0, duplicates=0, rejected=len(turned_away), rung=())
    for run in _runs(items):
        receipt = _sum(receipt, merge(connection, run, at) if isinstance(run, Merge) else _accept(connection, run, at))
    return receipt


def _runs(items: Iterable[Accepted | Merge | Rejected]) -> Iterator[list[Accepted] | Merge]:
    """What lies between merges, and the merges: what came before one is the former customer's, what came after is not."""
    run: list[Accepted] = []
    for item in items:
        if isinstance(item, Accepted):
            run.append(_checked(item))
        elif isinstance(item, Merge):
            if run:
                yield run
            yield item
            run = []
    if run:
        yield run


def _checked(item: Accepted) -> Accepted:
    """The item with ids that both databases can store. Raises ValueError for one that names nobody."""
    if item.external_id is None and (item.anonymous_id is None or item.kind == "account"):
        raise ValueError(
            f"message {item.message_id!r} names nobody: it needs an external id, or a contact's anonymous id"
        )
    ids = (item.message_id, item.external_id, item.anonymous_id, item.account)
    if not any(each and "\x00" in each for each in ids):
        return item
    message_id, external_id, anonymous_id, account = (each and storable(each) for each in ids)
    return msgspec.structs.replace(
        item, message_id=message_id, external_id=external_id, anonymous_id=anonymous_id, account=account
    )


def _accept(connection: Connection, items: Sequence[Accepted], at: datetime) -> Receipt:
    cast = assemble(connection, items, at)
    seen, bells = look_up(connection, list({item.message_id for item in items}))
    taking = Taking(connection, cast, bells, at)
    duplicates = 0
    for item in cast.items:
        if item.message_id in seen:
            duplicates += 1
        else:
            seen.add(item.message_id)
            taking.take(item)
    rung = taking.write()
    made = tuple(customer.id for customer in cast.by_name.values() if customer.is_new)
    return Receipt(
        accepted=len(items) - duplicates, duplicates=duplicates, rejected=0, rung=tuple(dict.fromkeys((*made, *rung)))
    )


def _sum(one: Receipt, other: Receipt) -> Receipt:
    return Receipt(
        accepted=one.accepted + other.accepted,
        duplicates=one.duplicates + other.duplicates,
        rejected=one.rejected + other.rejected,
        rung=tuple(dict.fromkeys((*one.rung, *other.rung))),
    )
