"""The ledger of what other systems are told: the CRM, webhooks, channels of the team (`ledger_rows`)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias, cast

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from perennia.core.decisions import CallWebhook, Effect, EffectEnded, Notify, WriteCrm
from perennia.core.json_values import JsonObject
from perennia.store.bodies import body, effect_of
from perennia.store.cursors import behind
from perennia.store.ledger_rows import PAUSE, claim_row, end_row, last_order, release_row, state_part
from perennia.store.prepared import execute
from perennia.store.records import Delivering, Delivery, SendStatus
from perennia.store.tables import customers, deliveries, effects

Told: TypeAlias = WriteCrm | CallWebhook | Notify
KINDS: Final[dict[type[Effect], str]] = {WriteCrm: "crm", CallWebhook: "webhook", Notify: "notify"}


def target_of(effect: Told) -> str:
    """Whom the effect is for, as the playbook has it."""
    match effect:
        case WriteCrm():
            return f"{effect.record} {effect.ref}"
        case CallWebhook():
            return effect.url
        case Notify():
            return effect.channel


_find = (
    select(
        deliveries.c.status,
        effects.c.body,
        effects.c.open,
        customers.c.state,
        customers.c.erased_at,
        last_order(deliveries),
    )
    .join(effects, effects.c.key == deliveries.c.key)
    .join(customers, customers.c.id == deliveries.c.customer)
    .where(deliveries.c.key == bindparam("key"))
    .with_for_update(of=deliveries)
)


def claim_delivery(connection: Connection, key: str, at: datetime) -> Delivering:
    """`Store.claim_delivery`. A key that was never reserved, or was erased, answers like an erased customer's."""
    rows = execute(connection, _find, {"key": key})
    if not rows:
        return Delivering(effect=None, before=SendStatus.SKIPPED, erased=True, paused=False)
    row = rows[0]
    before = SendStatus(row.status)
    is_open = row.open and before in (SendStatus.RESERVED, SendStatus.SENDING)
    effect: Effect | None = effect_of(row.body) if is_open else None
    paused = effect is not None and (row.ordered == PAUSE or state_part(row.state).pauses(effect.enrollment))
    erased = row.erased_at is not None
    if before is SendStatus.RESERVED and effect is not None and not paused and not erased:
        claim_row(connection, deliveries, key, {"at": at})
    return Delivering(effect=effect, before=before, erased=erased, paused=paused)


def release_delivery(connection: Connection, key: str) -> None:
    """`Store.release_delivery`."""
    release_row(connection, deliveries, key)


def end_delivery(
    connection: Connection,
    key: str,
    status: SendStatus,
    ended: EffectEnded,
    provider: str | None,
    provider_id: str | None,
    said: JsonObject | None,
) -> None:
    """`Store.end_delivery`. Raises `AlreadyEnded`."""
    told = None if said is None else body(said)
    values = {"status": status, "provider": provider, "provider_id": provider_id, "said": told}
    end_row(connection, deliveries, key, ended, values)


def list_deliveries(
    connection: Connection, customer: str | None, limit: int, after: str | None = None
) -> list[Delivery]:
    """`Store.deliveries`."""
    statement = select(deliveries).where(*behind(deliveries.c.released_at, deliveries.c.key, after))
    statement = statement.order_by(deliveries.c.released_at.desc(), deliveries.c.key).limit(limit)
    if customer is not None:
        statement = statement.where(deliveries.c.customer == customer)
    return [_delivery(row) for row in connection.execute(statement)]


def _delivery(row: Row[*tuple[object, ...]]) -> Delivery:
    said = None if row.said is None else cast("JsonObject", msgspec.json.decode(row.said))
    return Delivery(
        key=row.key,
        customer=row.customer,
        kind=row.kind,
        playbook=row.playbook,
        step=row.step,
        target=row.target,
        status=SendStatus(row.status),
        reason=row.reason,
        provider=row.provider,
        provider_id=row.provider_id,
        said=said,
        released_at=row.released_at,
        ended_at=row.ended_at,
    )
