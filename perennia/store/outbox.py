"""The outbox: what happened is written there in the transaction in which it happened, if any endpoint wants to hear of it.

Nobody is called from here. Payloads are thin: which customer, what changed, when; whoever needs more asks the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, select

from perennia.core.decisions import Act, ApprovalEnded, EffectEnded, JournalEntry, SendEmail, TaskEnded
from perennia.core.definitions import Scope
from perennia.core.json_values import JsonObject
from perennia.store.batches import Row, insert
from perennia.store.bodies import body, storable
from perennia.store.columns import microseconds
from perennia.store.outbound_records import PAYLOAD_VERSION, TEST_TYPE, OutboundEvent, OutboundType
from perennia.store.outbound_tables import endpoints, outbound_deliveries, outbound_events
from perennia.store.page import CustomerRow, Page
from perennia.store.records import TurnWrite
from perennia.store.tables import customers

Wanted: TypeAlias = Sequence[tuple[str, frozenset[str]]]  # each endpoint, and the types it wants; none: all

_types_of = msgspec.json.Decoder(frozenset[str]).decode
_JOURNALED = {
    Act.STAGE: OutboundType.STAGE_CHANGED,
    Act.ENTERED: OutboundType.ENROLLMENT_STARTED,
    Act.ENDED: OutboundType.ENROLLMENT_ENDED,
    Act.GOAL: OutboundType.GOAL_REACHED,
    Act.ANSWERED: OutboundType.RESPONSE_RECEIVED,
    Act.HEALTH: OutboundType.HEALTH_CHANGED,
}


def wanted(connection: Connection) -> Wanted:
    """Who wants to hear of what: for what is no turn."""
    rows = connection.execute(select(endpoints.c.id, endpoints.c.types).where(endpoints.c.disabled_at.is_(None)))
    return [(row.id, _types_of(row.types)) for row in rows]


def tell_turn(connection: Connection, row: CustomerRow, page: Page, write: TurnWrite) -> None:
    """What a turn decided and learned. Without endpoints it costs nothing: the turn has read them with all else."""
    if page.endpoints:
        listening = [(id_, _types_of(types)) for id_, types in page.endpoints]
        tell(connection, row.id, row.kind, row.external_id, list(_of_turn(page, write)), listening)


def tell_of(connection: Connection, customer: str, event: OutboundEvent) -> None:
    """What happened to a customer (internal id) outside a turn."""
    listening = wanted(connection)
    if not any(_wants(types, event.type) for _, types in listening):
        return
    who = connection.execute(
        select(customers.c.kind, customers.c.external_id).where(customers.c.id == customer)
    ).one_or_none()
    if who is not None:
        tell(connection, customer, who.kind, who.external_id, [event], listening)


def tell(
    connection: Connection,
    customer: str | None,
    kind: Scope | None,
    external_id: str | None,
    events: Iterable[OutboundEvent],
    listening: Wanted,
) -> list[str]:
    """Writes the events that somebody wants, and a delivery for each who does; returns the events' ids."""
    told: list[Row] = []
    due: list[Row] = []
    for event in events:
        hearing = [id_ for id_, types in listening if event.type == TEST_TYPE or _wants(types, event.type)]
        if hearing:
            id_, at = f"evt_{uuid4().hex}", microseconds(event.at)
            told.append((id_, customer, event.type, at, _body(id_, kind, external_id, event)))
            due += [(id_, endpoint, customer, at, "waiting", at) for endpoint in hearing]
    insert(connection, outbound_events, ("id", "customer", "type", "at", "body"), told)
    insert(connection, outbound_deliveries, ("event", "endpoint", "customer", "at", "status", "next_at"), due)
    return [str(each[0]) for each in told]


def _wants(types: frozenset[str], type_: str) -> bool:
    return not types or type_ in types


def _body(id_: str, kind: Scope | None, external_id: str | None, event: OutboundEvent) -> str:
    customer: JsonObject = {} if external_id is None else {"customer": {"kind": kind, "id": external_id}}
    payload: JsonObject = {
        "type": event.type,
        "version": PAYLOAD_VERSION,
        "timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "data": {"event": id_, **customer, **event.data},
    }
    return storable(body(payload))


# --- what a turn has to tell ------------------------------------------------------------------------------------------


def _of_turn(page: Page, write: TurnWrite) -> Iterator[OutboundEvent]:
    for entry in write.journal:
        type_ = _JOURNALED.get(entry.act)
        if type_ is not None:
            yield OutboundEvent(type=type_, at=entry.at, data=_of_entry(entry))
    mails = {effect.key: effect for effect in (*page.effects, *write.effects) if isinstance(effect, SendEmail)}
    for each in page.inputs:
        match each:
            case EffectEnded() if each.key in mails:
                yield _message(mails[each.key], each)
            case TaskEnded():
                data: JsonObject = {"task": each.key, "outcome": each.outcome}
                yield OutboundEvent(type=OutboundType.TASK_ENDED, at=each.at, data=data)
            case ApprovalEnded():
                data = {"approval": each.key, "outcome": each.decision}
                yield OutboundEvent(type=OutboundType.APPROVAL_ENDED, at=each.at, data=data)
            case _:
                pass
    for task in write.tasks:
        is_task = task.kind == "task"
        data = {"task" if is_task else "approval": task.key, "playbook": task.playbook}
        type_ = OutboundType.TASK_OPENED if is_task else OutboundType.APPROVAL_ASKED
        yield OutboundEvent(type=type_, at=task.at, data=data)


def _of_entry(entry: JournalEntry) -> JsonObject:
    about: JsonObject = {"playbook": entry.playbook, "enrollment": entry.enrollment}
    match entry.act:
        case Act.STAGE:
            return {"track": entry.detail.get("track"), "from": entry.detail.get("from"), "to": entry.code}
        case Act.HEALTH:
            health = {name: entry.detail.get(name) for name in ("health", "from", "score")}
            return {**health, "to": entry.code}
        case Act.ANSWERED:
            said = {
                name: entry.detail[name] for name in ("score", "label", "contact", "partial") if name in entry.detail
            }
            return {"survey": entry.code, **said}
        case Act.ENDED:
            return {**about, "reason": entry.code}
        case Act.ENTERED:
            return {**about, "holdout": entry.code == "holdout"}
        case _:
            return about


def _message(mail: SendEmail, ended: EffectEnded) -> OutboundEvent:
    data: JsonObject = {
        "message": mail.key,
        "playbook": mail.playbook,
        "step": mail.step,
        "template": mail.template,
        "outcome": str(ended.outcome),
        "reason": ended.reason,
    }
    return OutboundEvent(type=OutboundType.MESSAGE_ENDED, at=ended.at, data=data)
