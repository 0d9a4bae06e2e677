"""The send ledger: ``reserved -> sending -> sent | skipped | failed | unknown``, one row per idempotency key."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, bindparam, case, func, select, update

from perennia.core.decisions import Effect, EffectEnded
from perennia.core.json_values import JsonObject
from perennia.core.state import Recipient
from perennia.store.bodies import effect_of, email_in, normal_address
from perennia.store.columns import Instant
from perennia.store.locking import FLAGGED
from perennia.store.orders import append_one
from perennia.store.page import is_suppressed
from perennia.store.prepared import Rows, execute
from perennia.store.records import Message, Sending, SendStatus
from perennia.store.tables import consents, customers, effects, messages, suppressions


class AlreadyEnded(Exception):
    """The key has ended before. Leaves the transaction, which thereby changes nothing."""


# --- claiming -------------------------------------------------------------------------------------------------------


class _Facts(msgspec.Struct):
    traits: JsonObject = {}
    account: JsonObject | None = None


class _Enrollment(msgspec.Struct):
    id: str
    paused: bool = False


class _State(msgspec.Struct):
    """The part of a customer's state that a claim looks at."""

    facts: _Facts
    enrollments: list[_Enrollment] = []


_state_of = msgspec.json.Decoder(_State).decode

_find = (
    select(
        messages.c.status,
        effects.c.body,
        effects.c.open,
        customers.c.id,
        customers.c.state,
        customers.c.address,
        customers.c.erased_at,
        select(suppressions.c.address)
        .where(suppressions.c.address == customers.c.address)
        .scalar_subquery()
        .label("suppressed"),
        consents.c.topic,
        consents.c.given,
    )
    .join(effects, effects.c.key == messages.c.key)
    .join(customers, customers.c.id == messages.c.customer)
    .outerjoin(consents, consents.c.customer == messages.c.customer)
    .where(messages.c.key == bindparam("key"))
    .with_for_update(of=messages)
)
_claim = (
    update(messages)
    .where(messages.c.key == bindparam("claimed"), messages.c.status == SendStatus.RESERVED)
    .values(status=SendStatus.SENDING, claimed_at=bindparam("at", type_=Instant()))
)


def claim_message(connection: Connection, key: str, at: datetime) -> Sending:
    """`Store.claim_message`. A key that was never reserved, or was erased, answers like an erased customer's."""
    rows = execute(connection, _find, {"key": key})
    if not rows:
        nobody = Recipient(address=None)
        return Sending(effect=None, before=SendStatus.SKIPPED, recipient=nobody, erased=True, paused=False)
    sending = _sending(connection, rows)
    if sending.before is SendStatus.RESERVED and sending.effect and not sending.paused and not sending.erased:
        execute(connection, _claim, {"claimed": key, "at": at})
    return sending


def _sending(connection: Connection, rows: Rows) -> Sending:
    """From one row for each of the customer's consents."""
    row = rows[0]
    state = _State(facts=_Facts()) if row.state is None else _state_of(row.state)
    # Who waited for the message's row sees its new status beside the effect as it was before.
    is_open = row.open and row.status in (SendStatus.RESERVED, SendStatus.SENDING)
    effect: Effect | None = effect_of(row.body) if is_open else None
    email = email_in(state.facts.traits)
    suppressed = row.suppressed is not None
    if email is not None and normal_address(email) != row.address:
        suppressed = is_suppressed(connection, email)
    return Sending(
        effect=effect,
        before=SendStatus(row.status),
        recipient=Recipient(
            address=email,
            suppressed=email is not None and suppressed,
            consents={each.topic: each.given for each in rows if each.topic is not None},
        ),
        erased=row.erased_at is not None,
        zones=(state.facts.traits.get("timezone"), (state.facts.account or {}).get("timezone")),
        paused=effect is not None and any(each.paused for each in state.enrollments if each.id == effect.enrollment),
    )


def release_message(connection: Connection, key: str) -> None:
    """`Store.release_message`."""
    is_sending = (messages.c.key == key) & (messages.c.status == SendStatus.SENDING)
    connection.execute(update(messages).where(is_sending).values(status=SendStatus.RESERVED, claimed_at=None))


# --- ending ---------------------------------------------------------------------------------------------------------

_customer_of = select(messages.c.customer).where(messages.c.key == bindparam("key")).scalar_subquery()
# The customer first, as in a turn, so that the two do not wait for each other.
_take_seq = (
    update(customers)
    .where(customers.c.id == _customer_of)
    .values(
        next_seq=customers.c.next_seq + 1,
        bell=case((customers.c.bell < FLAGGED, FLAGGED), else_=customers.c.bell),
        rung_at=func.coalesce(customers.c.rung_at, bindparam("at", type_=Instant())),
    )
    .returning(customers.c.id, (customers.c.next_seq - 1).label("seq"))
)
_end = (
    update(messages)
    .where(messages.c.key == bindparam("ended"), messages.c.ended_at.is_(None))
    .values(
        status=bindparam("status"),
        reason=bindparam("reason"),
        provider=bindparam("provider"),
        provider_id=bindparam("provider_id"),
        ended_at=bindparam("at", type_=Instant()),
    )
    .returning(messages.c.key)
)


def end_message(
    connection: Connection,
    key: str,
    status: SendStatus,
    ended: EffectEnded,
    provider: str | None,
    provider_id: str | None,
) -> None:
    """`Store.end_message`. Raises `AlreadyEnded`, also where nothing is known of the key."""
    owners = execute(connection, _take_seq, {"key": key, "at": ended.at})
    if not owners:
        raise AlreadyEnded
    values = {
        "ended": key,
        "status": status,
        "reason": ended.reason,
        "provider": provider,
        "provider_id": provider_id,
        "at": ended.at,
    }
    if not execute(connection, _end, values):
        raise AlreadyEnded
    customer, seq = owners[0]
    append_one(connection, customer, seq, ended)


# --- reading --------------------------------------------------------------------------------------------------------


def list_messages(connection: Connection, customer: str | None, limit: int) -> list[Message]:
    """The last released first."""
    statement = select(messages).order_by(messages.c.released_at.desc(), messages.c.key).limit(limit)
    if customer is not None:
        statement = statement.where(messages.c.customer == customer)
    return [_message(row) for row in connection.execute(statement)]


def _message(row: Row[*tuple[object, ...]]) -> Message:
    return Message(
        key=row.key,
        customer=row.customer,
        playbook=row.playbook,
        step=row.step,
        template=row.template,
        topic=row.topic,
        status=SendStatus(row.status),
        reason=row.reason,
        provider=row.provider,
        provider_id=row.provider_id,
        released_at=row.released_at,
        ended_at=row.ended_at,
    )
