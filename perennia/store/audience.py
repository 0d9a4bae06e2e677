"""Customers as those see them who look for an audience: pages of states with all that belongs to them, a statement each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Subquery,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from perennia.core.audiences import Candidate
from perennia.core.caps import counted_from
from perennia.core.consent import CONFIRM_WITHIN
from perennia.core.decisions import CustomerEvent
from perennia.core.definitions import Scope
from perennia.core.state import LedgerEntry
from perennia.store.batches import ROWS, as_rows, as_values, rows_of
from perennia.store.bells import ALIVE
from perennia.store.bodies import input_of
from perennia.store.columns import Instant
from perennia.store.prepared import Rows, execute
from perennia.store.records import SendStatus
from perennia.store.tables import consent_asks, consents, customers, inputs, messages, suppressions

_account = customers.alias("accounts")
_page = (
    select(
        customers.c.id,
        customers.c.kind,
        customers.c.external_id,
        customers.c.first_seen,
        customers.c.cursor,
        customers.c.next_seq,
        customers.c.wake_at,
        customers.c.address,
        select(_account.c.external_id)
        .where(_account.c.id == customers.c.account)
        .scalar_subquery()
        .label("account_name"),
        customers.c.state,
    )
    .where(customers.c.kind == bindparam("kind"), ALIVE)
    .order_by(customers.c.id)
)
_following: Final = _page.where(customers.c.id > bindparam("after")).limit(bindparam("limit", type_=BigInteger()))
_only: Final = _page.where(customers.c.id == bindparam("of"))


def candidates(
    connection: Connection,
    kind: Scope,
    after: str,
    limit: int,
    of: str | None,
    *,
    permissions: bool,
    ledger_since: datetime | None,
) -> list[Candidate]:
    """`Store.candidates`."""
    asked = {"kind": kind, "after": after, "limit": limit} if of is None else {"kind": kind, "of": of}
    rows = execute(connection, _following if of is None else _only, asked)
    ids = [row.id for row in rows]
    unread: dict[str, list[str]] = defaultdict(list)
    for each in _rows(connection, _unread, [row.id for row in rows if row.cursor < row.next_seq - 1]):
        unread[each.customer].append(each.body)
    said: dict[str, dict[str, bool]] = defaultdict(dict)
    pending: dict[str, dict[str, datetime]] = defaultdict(dict)
    closed: set[str] = set()
    if permissions:
        for each in _rows(connection, _said, ids):
            said[each.customer][each.topic] = bool(each.given)
        for each in _rows(connection, _asked, ids):
            pending[each.customer][each.topic] = each.mailed_at + CONFIRM_WITHIN
        closed = {each.address for each in _rows(connection, _closed, [row.address for row in rows if row.address])}
    ledgers = None if ledger_since is None else _ledgers(connection, ids, ledger_since)
    return [
        Candidate(
            id=row.id,
            kind=row.kind,
            ref=row.external_id,
            account=row.account_name,
            first_seen=row.first_seen,
            cursor=row.cursor,
            wake_at=row.wake_at,
            state=row.state,
            inputs=tuple(unread.get(row.id, ())),
            closed=frozenset({row.address}) if row.address in closed else frozenset(),
            consents=said.get(row.id, {}),
            pending=pending.get(row.id, {}),
            ledger=None if ledgers is None else tuple(ledgers.get(row.id, ())),
        )
        for row in rows
    ]


def candidate_pages(connection: Connection, kind: Scope, size: int) -> list[str]:
    """`Store.candidate_pages`."""
    number = func.row_number().over(order_by=customers.c.id).label("number")
    numbered = select(customers.c.id, number).where(customers.c.kind == kind, ALIVE).subquery("numbered")
    count = connection.scalar(select(func.count()).select_from(numbered)) or 0
    last = select(numbered.c.id).where(numbered.c.number % size == 0, numbered.c.number < count)
    return ["", *connection.scalars(last.order_by(numbered.c.id))] if count else []


def count_candidates(connection: Connection, kind: Scope) -> int:
    """`Store.count_candidates`."""
    counted = select(func.count()).select_from(customers).where(customers.c.kind == kind, ALIVE)
    return connection.scalar(counted) or 0


def histories(
    connection: Connection, read: Mapping[str, int], names: Sequence[str]
) -> dict[str, tuple[CustomerEvent, ...]]:
    """`Store.histories`."""
    found: dict[str, list[CustomerEvent]] = defaultdict(list)
    if read and names:
        up_to = rows_of(connection.dialect.name, ("customer", Text), ("cursor", BigInteger)).subquery("up_to")
        was_read = or_(inputs.c.seq <= up_to.c.cursor, inputs.c.past)
        statement = (
            select(inputs.c.customer, inputs.c.body)
            .join(up_to, and_(inputs.c.customer == up_to.c.customer, was_read))
            .where(inputs.c.name.in_(names))
        )
        for row in connection.execute(statement, {ROWS: as_rows(list(read.items()))}):
            event = input_of(row.body)
            if isinstance(event, CustomerEvent):
                found[row.customer].append(event)
    return {customer: tuple(sorted(events, key=lambda e: (e.at, e.seq))) for customer, events in found.items()}


def _ledgers(connection: Connection, ids: Sequence[str], since: datetime) -> dict[str, list[LedgerEntry]]:
    found: dict[str, list[LedgerEntry]] = defaultdict(list)
    for row in _rows(connection, _counted, ids, since=since):
        found[row.counts_for].append(
            LedgerEntry(
                key=row.key,
                at=counted_from(row.released_at, row.ended_at),
                topic=row.topic,
                priority=row.priority,
                left=row.status != SendStatus.RESERVED,
            )
        )
    return found


# --- statements, each for a batch of keys ---------------------------------------------------------------------------


def _rows(connection: Connection, statement: Callable[[str], Executable], keys: Sequence[str], **more: object) -> Rows:
    return execute(connection, statement(connection.dialect.name), {ROWS: as_values(keys), **more}) if keys else ()


def _batch(dialect: str) -> Subquery:
    return rows_of(dialect, ("key", Text)).subquery("batch")


@cache
def _unread(dialect: str) -> Executable:
    batch = _batch(dialect)
    return (
        select(inputs.c.customer, inputs.c.body)
        .join(batch, inputs.c.customer == batch.c.key)
        .join(customers, customers.c.id == batch.c.key)
        .where(inputs.c.seq > customers.c.cursor, inputs.c.past.is_(False))
        .order_by(inputs.c.customer, inputs.c.seq)
    )


@cache
def _said(dialect: str) -> Executable:
    batch = _batch(dialect)
    return select(consents.c.customer, consents.c.topic, consents.c.given).join(
        batch, consents.c.customer == batch.c.key
    )


@cache
def _asked(dialect: str) -> Executable:
    batch = _batch(dialect)
    return (
        select(consent_asks.c.customer, consent_asks.c.topic, consent_asks.c.mailed_at)
        .join(batch, consent_asks.c.customer == batch.c.key)
        .where(consent_asks.c.open)
    )


@cache
def _closed(dialect: str) -> Executable:
    batch = _batch(dialect)
    return select(suppressions.c.address).join(batch, suppressions.c.address == batch.c.key)


@cache
def _counted(dialect: str) -> Executable:
    """As `counted_messages` reads them of one."""
    batch = _batch(dialect)
    since = bindparam("since", type_=Instant())
    return (
        select(
            messages.c.counts_for,
            messages.c.key,
            messages.c.topic,
            messages.c.priority,
            messages.c.status,
            messages.c.released_at,
            messages.c.ended_at,
        )
        .join(batch, messages.c.counts_for == batch.c.key)
        .where(
            messages.c.status != SendStatus.SKIPPED,
            messages.c.status != SendStatus.FAILED,
            or_(messages.c.released_at >= since, messages.c.ended_at >= since, messages.c.ended_at.is_(None)),
        )
        .order_by(messages.c.released_at, messages.c.key)
    )
