"""What a turn reads: the customer's row under lock, then a page of inputs with all that belongs to it, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from perennia.core.consent import CONFIRM_WITHIN
from perennia.core.decisions import CustomerEvent, Effect, Input, TraitsChanged
from perennia.core.definitions import Scope
from perennia.core.state import CustomerState, Recipient
from perennia.store.bodies import effect_of, email_in, input_of, normal_address
from perennia.store.broadcast_tables import halted_books
from perennia.store.columns import instant
from perennia.store.outbound_tables import endpoints
from perennia.store.port import UnknownCustomer
from perennia.store.prepared import execute
from perennia.store.tables import (
    IS_OPEN,
    consent_asks,
    consents,
    customers,
    effects,
    inputs,
    reputations,
    revisions,
    suppressions,
)

PAGE = 500  # inputs a turn: a few hundred milliseconds at most, far from the activity's 10 s


@dataclass(frozen=True)
class CustomerRow:
    """``account`` is the account's external id, ``account_id`` its internal one; ``state`` as it is stored.

    ``is_over``: merged or erased, no turns any more.
    """

    id: str
    kind: Scope
    external_id: str
    account: str | None
    first_seen: datetime
    state: str | None
    next_seq: int
    cursor: int
    bell: int
    wake_at: datetime | None
    watching: str
    address: str | None
    is_over: bool
    account_id: str | None


@dataclass(frozen=True)
class Page:
    """``last_seq``: of the last input on the page, those of the past included; the cursor where there is none.

    ``waits``: by key, until when an effect is to be left alone.
    ``endpoints``: who is told what happens, each with the types it wants (JSON).
    """

    inputs: tuple[Input, ...]
    last_seq: int
    unread: bool
    effects: tuple[Effect, ...]
    waits: dict[str, datetime]
    consents: dict[str, bool]
    pending: dict[str, datetime]
    revision: str | None
    is_suppressed: bool
    stopped: frozenset[str]
    endpoints: tuple[tuple[str, str], ...] = ()


_account = customers.alias("accounts")
_lock = (
    select(
        customers,
        select(_account.c.external_id)
        .where(_account.c.id == customers.c.account)
        .scalar_subquery()
        .label("account_name"),
    )
    .where(customers.c.id == bindparam("customer"))
    .with_for_update()
)


def lock_customer(connection: Connection, customer: str) -> CustomerRow:
    """Raises `UnknownCustomer`."""
    rows = execute(connection, _lock, {"customer": customer})
    if not rows:
        raise UnknownCustomer(f"no customer with the internal id {customer!r}")
    row = rows[0]
    return CustomerRow(
        id=row.id,
        kind=row.kind,
        external_id=row.external_id,
        account=row.account_name,
        first_seen=row.first_seen,
        state=row.state,
        next_seq=row.next_seq,
        cursor=row.cursor,
        bell=row.bell,
        wake_at=row.wake_at,
        watching=row.watching,
        address=row.address,
        is_over=row.merged_into is not None or row.erased_at is not None,
        account_id=row.account,
    )


# Each part yields what, a number, a text, and another number: whether an input is of the past, until when an effect waits.
_customer = bindparam("customer", type_=Text())
_nothing = literal(0, BigInteger)
_next_inputs = (
    select(
        literal("input").label("what"),
        inputs.c.seq.label("number"),
        inputs.c.body.label("text"),
        case((inputs.c.past, 1), else_=0).label("past"),
    )
    .where(inputs.c.customer == _customer, inputs.c.seq > bindparam("cursor", type_=BigInteger()))
    .order_by(inputs.c.seq)
    .limit(PAGE + 1)
    .subquery()
)
_read = union_all(
    select(_next_inputs),
    select(
        literal("effect"),
        cast(effects.c.at, BigInteger),
        effects.c.body,
        func.coalesce(cast(effects.c.waits_until, BigInteger), _nothing),
    ).where(effects.c.customer == _customer, IS_OPEN),
    select(literal("consent"), case((consents.c.given, 1), else_=0), consents.c.topic, _nothing).where(
        consents.c.customer == _customer
    ),
    select(literal("asked"), cast(consent_asks.c.mailed_at, BigInteger), consent_asks.c.topic, _nothing).where(
        consent_asks.c.customer == _customer, consent_asks.c.open
    ),
    select(literal("revision"), revisions.c.number, revisions.c.id, _nothing).where(
        revisions.c.number == select(func.max(revisions.c.number)).scalar_subquery()
    ),
    select(literal("suppressed"), _nothing, suppressions.c.address, _nothing).where(
        suppressions.c.address == bindparam("address", type_=Text())
    ),
    select(literal("stopped"), _nothing, reputations.c.kind + ":" + reputations.c.name, _nothing).where(
        reputations.c.level == "stopped"
    ),
    select(literal("endpoint"), _nothing, endpoints.c.id + " " + endpoints.c.types, _nothing).where(
        endpoints.c.disabled_at.is_(None)
    ),
    select(literal("stopped"), _nothing, halted_books.c.book, _nothing),
)


def read_page(connection: Connection, row: CustomerRow) -> Page:
    parts: dict[str, list[tuple[int, str, int]]] = {}
    parameters = {"customer": row.id, "cursor": row.cursor, "address": row.address}
    for what, number, text, past in execute(connection, _read, parameters):
        parts.setdefault(what, []).append((number, text, past))
    lines = sorted(parts.get("input", ()))
    page = lines[:PAGE]
    opened = [(effect_of(text), until) for _, text, until in sorted(parts.get("effect", ()))]
    return Page(
        inputs=tuple(input_of(text) for _, text, past in page if not past),
        last_seq=page[-1][0] if page else row.cursor,
        unread=len(lines) > PAGE,
        effects=tuple(effect for effect, _ in opened),
        waits={effect.key: instant(until) for effect, until in opened if until},
        consents={topic: bool(given) for given, topic, _ in parts.get("consent", ())},
        pending={topic: instant(mailed) + CONFIRM_WITHIN for mailed, topic, _ in parts.get("asked", ())},
        revision=next((text for _, text, _ in parts.get("revision", ())), None),
        is_suppressed="suppressed" in parts,
        stopped=frozenset(text for _, text, _ in parts.get("stopped", ())),
        endpoints=tuple((text.partition(" ")[0], text.partition(" ")[2]) for _, text, _ in parts.get("endpoint", ())),
    )


def read_history(connection: Connection, customer: str, names: Sequence[str]) -> tuple[CustomerEvent, ...]:
    """Events of these names that were read before, or are of the past, in the order of their acceptance."""
    cursor = select(customers.c.cursor).where(customers.c.id == customer).scalar_subquery()
    statement = select(inputs.c.body).where(
        inputs.c.customer == customer,
        inputs.c.name.in_(names),
        or_(inputs.c.seq <= cursor, inputs.c.past),
    )
    events = (input_of(text) for text in connection.scalars(statement))
    return tuple(sorted((e for e in events if isinstance(e, CustomerEvent)), key=lambda e: (e.at, e.seq)))


def recipient(connection: Connection, row: CustomerRow, page: Page, state: CustomerState | None) -> Recipient:
    """The customer itself as its inputs up to this page tell of it."""
    traits = {} if state is None else state.facts.traits
    for each in page.inputs:
        if isinstance(each, TraitsChanged):
            traits = {**traits, **each.traits}
    email = email_in(traits)
    # The row has the last address that was accepted, which the page may not have come to.
    suppressed = page.is_suppressed
    if email is not None and normal_address(email) != row.address:
        suppressed = is_suppressed(connection, email)
    return Recipient(
        address=email,
        suppressed=email is not None and suppressed,
        consents=page.consents,
        pending=page.pending,
    )


def is_suppressed(connection: Connection, email: str) -> bool:
    address = normal_address(email)
    return connection.scalar(select(suppressions.c.address).where(suppressions.c.address == address)) is not None
