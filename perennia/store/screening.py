"""What still comes in for customers who were erased is passed over, until they are told anew (docs/decisions/0011).

A contact or an account comes anew by its traits (Segment's ``identify`` and ``group``), and by nothing else: an event that
was late, a membership, a merge would bring back somebody of whom nothing was to be left. An address that was suppressed
when its owner was erased is suppressed again the moment somebody has it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from perennia.core.decisions import TraitsChanged
from perennia.store.bodies import email_in, normal_address
from perennia.store.driver import insert_into
from perennia.store.identities import ANONYMOUS, Name
from perennia.store.marks import ADDRESS, Mark, erased_among, forget
from perennia.store.naming import names_in
from perennia.store.records import Accepted
from perennia.store.tables import suppressions


def screen(connection: Connection, items: Sequence[Accepted], unknown: Collection[Name]) -> Sequence[Accepted]:
    """The items that are taken. ``unknown``: names that nobody has now, among them those that were erased.

    Costs a statement only where somebody is unknown, or an address is told.
    """
    addresses = {_address(email) for item in items if (email := _email_of(item)) is not None}
    marks = erased_among(connection, {*unknown, *addresses})
    if not marks:
        return items
    revive(connection, {name: mark for name, mark in marks.items() if name.scope == ADDRESS})
    closed = {name for name in marks if name.scope != ADDRESS}
    taken = list(_taken(items, closed))
    forget(connection, (name for name in marks if name not in closed))
    return taken


def _taken(items: Iterable[Accepted], closed: set[Name]) -> Iterator[Accepted]:
    """In their order: what came before somebody was told anew is passed over. Takes out of ``closed`` who was."""
    for item in items:
        device = None if item.anonymous_id is None else Name(ANONYMOUS, item.anonymous_id)
        name = device if item.external_id is None else Name(item.kind, item.external_id)
        if name in closed and (name == device or not isinstance(item.input, TraitsChanged)):
            continue
        closed -= {name, device}
        if item.account is not None and Name("account", item.account) in closed:
            yield msgspec.structs.replace(item, account=None)
        else:
            yield item


def revive(connection: Connection, marks: Mapping[Name, Mark]) -> None:
    """Addresses that somebody has again are suppressed as before, where they were."""
    for name, mark in marks.items():
        if mark.reason is not None:
            row = insert_into(connection, suppressions).values(
                address=name.value, reason=mark.reason, at=mark.closed_at or mark.at
            )
            connection.execute(row.on_conflict_do_nothing())


def revive_address(connection: Connection, address: str) -> None:
    """The same for one that a turn has given its customer."""
    marks = erased_among(connection, [Name(ADDRESS, address)])
    revive(connection, marks)
    forget(connection, marks)


def naming_erased(connection: Connection, raws: Collection[str]) -> frozenset[str]:
    """Those of the texts, kept as other systems sent them, that name somebody who was erased."""
    named = {raw: names_in(raw) for raw in raws}
    marks = erased_among(connection, set[Name]().union(*named.values()))
    return frozenset(raw for raw, names in named.items() if not names.isdisjoint(marks))


def _email_of(item: Accepted) -> str | None:
    return email_in(item.input.traits) if isinstance(item.input, TraitsChanged) and item.kind == "contact" else None


def _address(email: str) -> Name:
    return Name(ADDRESS, normal_address(email))
