"""The send ledger: ``reserved -> sending -> sent | skipped | failed | unknown``, one row per idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, select, update

from perennia.core.decisions import Effect, EffectEnded, SendEmail
from perennia.core.digests import narrowed
from perennia.core.state import Recipient
from perennia.store.bodies import body, effect_of, email_in, normal_address
from perennia.store.broadcast_tables import halted_for
from perennia.store.cursors import behind
from perennia.store.ledger_rows import PAUSE, claim_row, end_row, last_order, release_row, state_part
from perennia.store.page import is_suppressed
from perennia.store.prepared import Rows, execute
from perennia.store.records import Message, Sending, SendStatus
from perennia.store.reputations import stopped_for
from perennia.store.tables import consents, customers, effects, messages, suppressions
from perennia.store.warming import give_back, noted, take_place
from perennia.store.warming_records import Place

# --- claiming -------------------------------------------------------------------------------------------------------


_find = (
    select(
        messages.c.status,
        messages.c.provider,
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
        last_order(messages),
        stopped_for(messages),
        halted_for(messages),
        consents.c.topic,
        consents.c.given,
    )
    .join(effects, effects.c.key == messages.c.key)
    .join(customers, customers.c.id == messages.c.customer)
    .outerjoin(consents, consents.c.customer == messages.c.customer)
    .where(messages.c.key == bindparam("key"))
    .with_for_update(of=messages)
)


def claim_message(
    connection: Connection, key: str, at: datetime, places: Callable[[SendEmail], Sequence[Place]]
) -> Sending:
    """`Store.claim_message`. A key that was never reserved, or was erased, answers like an erased customer's."""
    rows = execute(connection, _find, {"key": key})
    if not rows:
        nobody = Recipient(address=None)
        return Sending(effect=None, before=SendStatus.SKIPPED, recipient=nobody, erased=True, paused=False)
    sending = _sending(connection, rows)
    may_leave = not (sending.paused or sending.stopped or sending.erased)
    if sending.before is not SendStatus.RESERVED or sending.effect is None or not may_leave:
        return sending
    claimed: dict[str, object] = {"at": at, "address": _goes_to(sending)}
    offered = places(sending.effect) if isinstance(sending.effect, SendEmail) else ()
    if offered:
        place = take_place(connection, offered)
        if place is None:
            return msgspec.structs.replace(sending, full=True)
        claimed |= noted(place)
        sending = msgspec.structs.replace(sending, provider=place.provider)
    claim_row(connection, messages, key, claimed)
    if isinstance(sending.effect, SendEmail) and sending.effect.items:
        # Another attempt must send the same, whoever leaves a digest meanwhile.
        connection.execute(update(effects).where(effects.c.key == key).values(body=body(sending.effect)))
    return sending


def _goes_to(sending: Sending) -> str | None:
    """The address that what is told of the message later may close: a customer's."""
    to_contact = isinstance(sending.effect, SendEmail) and sending.effect.recipient == "contact"
    address = sending.recipient.address
    return normal_address(address) if to_contact and address is not None else None


def _sending(connection: Connection, rows: Rows) -> Sending:
    """From one row for each of the customer's consents."""
    row = rows[0]
    state = state_part(row.state)
    # Who waited for the message's row sees its new status beside the effect as it was before.
    is_open = row.open and row.status in (SendStatus.RESERVED, SendStatus.SENDING)
    effect: Effect | None = effect_of(row.body) if is_open else None
    if isinstance(effect, SendEmail) and effect.items and row.status == SendStatus.RESERVED:
        effect = narrowed(effect, state.waiting_for(effect.key))
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
        paused=effect is not None
        and (row.ordered == PAUSE or row.halted is not None or state.pauses(effect.enrollment)),
        provider=row.provider if row.status == SendStatus.SENDING else None,
        stopped=effect is not None and row.stopped is not None,
    )


def release_message(connection: Connection, key: str) -> None:
    """`Store.release_message`."""
    released = release_row(connection, messages, key)
    if released is not None and released.placed_on is not None:
        give_back(connection, key)


# --- ending ---------------------------------------------------------------------------------------------------------


def end_message(
    connection: Connection,
    key: str,
    status: SendStatus,
    ended: EffectEnded,
    provider: str | None,
    provider_id: str | None,
) -> None:
    """`Store.end_message`. Raises `AlreadyEnded`, also where nothing is known of the key."""
    values = {"status": status, "provider": provider, "provider_id": provider_id}
    row = end_row(connection, messages, key, ended, values)
    if row.placed_on is not None and status in (SendStatus.SKIPPED, SendStatus.FAILED):
        give_back(connection, key)


# --- reading --------------------------------------------------------------------------------------------------------


def list_messages(connection: Connection, customer: str | None, limit: int, after: str | None = None) -> list[Message]:
    """The last released first."""
    waits = and_(effects.c.key == messages.c.key, effects.c.open)
    statement = (
        select(messages, effects.c.waits_until)
        .outerjoin(effects, waits)
        .where(*behind(messages.c.released_at, messages.c.key, after))
        .order_by(messages.c.released_at.desc(), messages.c.key)
        .limit(limit)
    )
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
        waits_until=row.waits_until if row.status == SendStatus.RESERVED else None,
    )
