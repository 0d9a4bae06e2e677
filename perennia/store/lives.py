"""What customers lived through, household by household, for backtests and simulations. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection, Executable, Subquery, Text, func, select, union_all

from perennia.core.caps import counted_from
from perennia.core.lives import Consent, Household, Life, PastMessage
from perennia.core.state import LedgerEntry
from perennia.store.batches import ROWS, as_values, rows_of
from perennia.store.prepared import Rows, execute
from perennia.store.records import SendStatus
from perennia.store.tables import consents, customers, identities, inputs, messages, suppressions

_NOT_LEFT = (SendStatus.RESERVED, SendStatus.SKIPPED, SendStatus.FAILED)
_alive = (customers.c.merged_into.is_(None), customers.c.erased_at.is_(None))


@dataclass
class _Remembered:
    """What is known of one customer beside its row."""

    names: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])
    raised: list[str] = field(default_factory=list[str])
    copied: list[str] = field(default_factory=list[str])
    consents: list[Consent] = field(default_factory=list[Consent])
    messages: list[PastMessage] = field(default_factory=list[PastMessage])


def households(connection: Connection, limit: int, after: str | None, of: str | None) -> list[Household]:
    """`Store.households`."""
    heads = select(customers.c.id).where(customers.c.account.is_(None), *_alive).order_by(customers.c.id).limit(limit)
    if after is not None:
        heads = heads.where(customers.c.id > after)
    if of is not None:
        head = select(func.coalesce(customers.c.account, customers.c.id)).where(customers.c.id == of).scalar_subquery()
        heads = heads.where(customers.c.id == head)
    ids = list(connection.scalars(heads))
    rows = _rows(connection, _members, ids)
    remembered = _remember(connection, [row.id for row in rows])
    barred = {row.address: row.at for row in _rows(connection, _barred, [row.address for row in rows if row.address])}
    found: dict[str, list[Life]] = {head: [] for head in ids}
    for row in sorted(rows, key=lambda row: (row.account is not None, row.id)):
        known = remembered[row.id]
        found[row.account or row.id].append(
            Life(
                id=row.id,
                kind=row.kind,
                ref=row.external_id,
                first_seen=row.first_seen,
                names=tuple(known.names),
                told=tuple(known.told),
                raised=tuple(known.raised),
                copied=tuple(known.copied),
                consents=tuple(known.consents),
                messages=tuple(known.messages),
                suppressed=barred.get(row.address),
            )
        )
    return [tuple(lives) for lives in found.values()]


def count_customers(connection: Connection) -> int:
    """`Store.count_lives`."""
    return connection.scalar(select(func.count()).select_from(customers).where(*_alive)) or 0


def _remember(connection: Connection, ids: Sequence[str]) -> Mapping[str, _Remembered]:
    found: dict[str, _Remembered] = defaultdict(_Remembered)
    for row in _rows(connection, _inputs, ids):
        known = found[row.customer]
        # What a sender told has the sender's id; of events without one, the customer's own are of the past at once.
        ours = row.name is not None and row.message_id is None
        (known.told if not ours else known.raised if row.past else known.copied).append(row.body)
    for row in _rows(connection, _names, ids):
        found[row.customer].names.append(row.value)
    for row in _rows(connection, _consents, ids):
        found[row.customer].consents.append(Consent(row.topic, row.given, row.at))
    for row in _rows(connection, _messages, ids):
        at = counted_from(row.released_at, row.ended_at)
        place = LedgerEntry(key=row.key, at=at, topic=row.topic, priority=row.priority, left=True)
        found[row.customer].messages.append(PastMessage(row.playbook, place))
    return found


# --- statements, each for a batch of keys ---------------------------------------------------------------------------


def _rows(connection: Connection, statement: Callable[[str], Executable], keys: Sequence[str]) -> Rows:
    return execute(connection, statement(connection.dialect.name), {ROWS: as_values(keys)}) if keys else ()


def _batch(dialect: str) -> Subquery:
    return rows_of(dialect, ("key", Text)).subquery("batch")


@cache
def _members(dialect: str) -> Executable:
    """The heads themselves, and who belongs to them."""
    batch = _batch(dialect)
    columns = ("id", "kind", "external_id", "account", "address", "first_seen")
    row = select(*(customers.c[name] for name in columns))
    # Two searches by index: SQLite answers an OR of both columns by reading the whole table once a key.
    heads = row.join(batch, customers.c.id == batch.c.key).where(*_alive)
    return union_all(heads, row.join(batch, customers.c.account == batch.c.key).where(*_alive))


@cache
def _inputs(dialect: str) -> Executable:
    batch = _batch(dialect)
    return (
        select(inputs.c.customer, inputs.c.message_id, inputs.c.name, inputs.c.past, inputs.c.body)
        .join(batch, inputs.c.customer == batch.c.key)
        .order_by(inputs.c.customer, inputs.c.seq)
    )


@cache
def _names(dialect: str) -> Executable:
    batch = _batch(dialect)
    alias = select(identities.c.customer, identities.c.value).where(identities.c.scope == "contact")
    former = select(customers.c.merged_into.label("customer"), customers.c.external_id.label("value"))
    return union_all(
        alias.join(batch, identities.c.customer == batch.c.key),
        former.join(batch, customers.c.merged_into == batch.c.key),
    )


@cache
def _consents(dialect: str) -> Executable:
    batch = _batch(dialect)
    said = select(consents.c.customer, consents.c.topic, consents.c.given, consents.c.at)
    return said.join(batch, consents.c.customer == batch.c.key).order_by(consents.c.at)


@cache
def _messages(dialect: str) -> Executable:
    batch = _batch(dialect)
    columns = ("key", "playbook", "topic", "priority", "released_at", "ended_at")
    return (
        select(messages.c.counts_for.label("customer"), *(messages.c[name] for name in columns))
        .where(*(messages.c.status != status for status in _NOT_LEFT))
        .join(batch, messages.c.counts_for == batch.c.key)
        .order_by(messages.c.released_at)
    )


@cache
def _barred(dialect: str) -> Executable:
    batch = _batch(dialect)
    return select(suppressions.c.address, suppressions.c.at).join(batch, suppressions.c.address == batch.c.key)
