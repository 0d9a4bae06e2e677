"""What a turn writes: the customer's row, and a statement for each table in which something changes."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, BindParameter, Connection, Table, Text, Update, and_, bindparam, case, update

from perennia.core.decisions import (
    Act,
    CallWebhook,
    CustomerEvent,
    Effect,
    EffectEnded,
    JournalEntry,
    Notify,
    Reason,
    SendEmail,
    WriteCrm,
)
from perennia.store.appending import Appending
from perennia.store.arrivals import current_bells
from perennia.store.batches import ROWS, Row, as_rows, as_values, insert, rows_of
from perennia.store.bodies import body, email_in, normal_address, storable
from perennia.store.columns import Instant, microseconds
from perennia.store.deliveries import KINDS, target_of
from perennia.store.journaling import write_journal
from perennia.store.locking import QUIET, lock_alive
from perennia.store.outbox import tell_turn
from perennia.store.page import CustomerRow, Page
from perennia.store.prepared import execute
from perennia.store.records import SendStatus, TurnWrite
from perennia.store.screening import revive_address
from perennia.store.tables import customers, deliveries, effects, inputs, messages
from perennia.store.trials import write_trials
from perennia.store.work import close_work, escalate_work, open_work


def write_turn(connection: Connection, row: CustomerRow, page: Page, write: TurnWrite) -> tuple[str, ...]:
    """Returns the other customers whose bells were rung."""
    _write_row(connection, row, page, write)
    _open_effects(connection, row, write)
    _close_effects(connection, page, write)
    open_work(connection, row, write.tasks)
    escalate_work(connection, write.escalated)
    close_work(connection, page, write)
    write_journal(connection, row.id, write.journal)
    _keep_heard(connection, row, write.heard)
    write_trials(connection, row.id, write.trials)
    tell_turn(connection, row, page, write)
    return _tell_others(connection, row, write)


# --- the row --------------------------------------------------------------------------------------------------------

_this = customers.c.id == bindparam("customer")
_clear_bell = update(customers).where(_this).values(bell=QUIET, rung_at=None, cursor=bindparam("last_seq"))
_changes: dict[str, BindParameter[Any]] = {
    "state": bindparam("state"),
    "revision": bindparam("revision"),
    "wake_at": bindparam("wake_at", type_=Instant()),
    "watching": bindparam("watching"),
    "stages": bindparam("stages"),
    "enrollments": bindparam("enrollments"),
    "address": bindparam("address"),
    "next_seq": bindparam("next_seq"),
}
_write_same = _clear_bell.values(_changes)
# The sweep rings a customer ever more rarely, until a turn finds something to do.
_write_new = _write_same.values(sweeps=0, sweep_after=None)


def leave(connection: Connection, row: CustomerRow, cursor: int) -> None:
    """Clears the bell and nothing else, without a statement where that is done already."""
    if row.bell != QUIET or cursor != row.cursor:
        execute(connection, _clear_bell, {"customer": row.id, "last_seq": cursor})


def _write_row(connection: Connection, row: CustomerRow, page: Page, write: TurnWrite) -> None:
    state, watching = body(write.state), body(write.watching)
    decided = write.effects or write.closed or write.journal or write.tasks or write.heard
    was_idle = page.last_seq == row.cursor and not decided
    if was_idle and (row.state, row.wake_at, row.watching) == (state, write.wake_at, watching):
        leave(connection, row, row.cursor)
        return
    email = email_in(write.state.facts.traits)
    # What the decision itself raised comes next in the customer's order; where nothing else waits, it is read already.
    next_seq = row.next_seq + len(write.heard)
    values = {
        "customer": row.id,
        "last_seq": next_seq - 1 if page.last_seq == row.next_seq - 1 else page.last_seq,
        "next_seq": next_seq,
        "state": state,
        "revision": page.revision,
        "wake_at": write.wake_at,
        "watching": watching,
        "stages": body({track: at.stage for track, at in write.state.stages.items()}),
        "enrollments": body([(each.playbook, each.version) for each in write.state.enrollments]),
        # With inputs unread, the row may know a later address than the state.
        "address": row.address if page.unread or email is None else normal_address(email),
    }
    if values["address"] != row.address:
        revive_address(connection, str(values["address"]))
    execute(connection, _write_same if was_idle and row.wake_at == write.wake_at else _write_new, values)


# --- effects and the send ledger ------------------------------------------------------------------------------------


def _open_effects(connection: Connection, row: CustomerRow, write: TurnWrite) -> None:
    closed = frozenset(write.closed)
    opened: list[Row] = [
        (each.key, row.id, microseconds(each.at), each.key not in closed, body(each)) for each in write.effects
    ]
    insert(connection, effects, ("key", "customer", "at", "open", "body"), opened)
    reserved: list[Row] = [
        (
            each.key,
            row.id,
            each.playbook,
            each.step,
            each.template,
            each.topic,
            SendStatus.RESERVED,
            microseconds(each.at),
            row.id if each.is_marketing else None,
            each.priority,
            each.reference,
            each.sender,
        )
        for each in write.effects
        if isinstance(each, SendEmail)
    ]
    names = (
        "key",
        "customer",
        "playbook",
        "step",
        "template",
        "topic",
        "status",
        "released_at",
        "counts_for",
        "priority",
        "reference",
        "sender",
    )
    insert(connection, messages, names, reserved)
    told: list[Row] = [
        (
            each.key,
            row.id,
            KINDS[type(each)],
            each.playbook,
            each.step,
            target_of(each),
            SendStatus.RESERVED,
            microseconds(each.at),
        )
        for each in write.effects
        if isinstance(each, WriteCrm | CallWebhook | Notify)
    ]
    names = ("key", "customer", "kind", "playbook", "step", "target", "status", "released_at")
    insert(connection, deliveries, names, told)


def _close_effects(connection: Connection, page: Page, write: TurnWrite) -> None:
    closed = frozenset(write.closed)
    closing = [effect for effect in page.effects if effect.key in closed]
    if not closing:
        return
    keys = as_values([effect.key for effect in closing])
    execute(connection, _close(connection.dialect.name), {ROWS: keys})
    ended = {each.key for each in page.inputs if isinstance(each, EffectEnded)}
    left: dict[Table, list[Row]] = {}
    for effect in closing:
        if effect.key not in ended:
            status, reason = _fate(effect, write.journal)
            ledger = messages if isinstance(effect, SendEmail) else deliveries
            left.setdefault(ledger, []).append((effect.key, status, reason, microseconds(write.state.now)))
    for ledger, rows in left.items():
        execute(connection, _settle(connection.dialect.name, ledger), {ROWS: as_rows(rows)})


def _fate(effect: Effect, entries: tuple[JournalEntry, ...]) -> tuple[SendStatus, str | None]:
    """What became of an effect that no activity has ended: its activity gave up, or its effect was withdrawn."""
    items = effect.items if isinstance(effect, SendEmail) else ()
    steps = {each.enrollment: each.step for each in (effect, *items)}
    about = [entry for entry in entries if entry.enrollment in steps]
    step_ended = next((e for e in about if e.act is Act.STEP_ENDED and e.step == steps[e.enrollment or ""]), None)
    if step_ended is not None:
        status = SendStatus.FAILED if step_ended.code == SendStatus.FAILED else SendStatus.SKIPPED
        return status, step_ended.reason
    if any(entry.act is Act.HELD and entry.step == steps[entry.enrollment or ""] for entry in about):
        return SendStatus.SKIPPED, Reason.LOWER_PRIORITY
    ended = next((entry.code for entry in about if entry.act is Act.ENDED), None)
    return SendStatus.SKIPPED, ended


@cache
def _close(dialect: str) -> Update:
    keys = rows_of(dialect, ("key", Text)).subquery("closing")
    return update(effects).where(effects.c.key == keys.c.key).values(open=False)


@cache
def _settle(dialect: str, ledger: Table) -> Update:
    """``reserved`` becomes what is given.

    ``sending``: where the activity gave up, nobody knows whether the message left; where the effect was only withdrawn,
    the activity still runs and will tell.
    """
    left = rows_of(dialect, ("key", Text), ("status", Text), ("reason", Text), ("at", BigInteger)).subquery("left_over")
    was_reserved = ledger.c.status == SendStatus.RESERVED
    gave_up = and_(ledger.c.status == SendStatus.SENDING, left.c.status == SendStatus.FAILED)
    # As one value: of two conditions SQLite makes two searches for all messages of that status.
    applies = case((was_reserved, 1), (gave_up, 1), else_=0)
    return (
        update(ledger)
        .where(ledger.c.key == left.c.key, applies == 1)
        .values(
            status=case((was_reserved, left.c.status), else_=SendStatus.UNKNOWN),
            reason=left.c.reason,
            ended_at=left.c.at,
        )
    )


# --- the customer's past, and other customers ---------------------------------------------------------------------------


def _keep_heard(connection: Connection, row: CustomerRow, heard: tuple[CustomerEvent, ...]) -> None:
    """Events that the decision raised and has counted: they are of the past for every turn to come."""
    rows: list[Row] = [
        (row.id, seq, None, storable(event.name), True, body(msgspec.structs.replace(event, seq=seq)))
        for seq, event in enumerate(heard, start=row.next_seq)
    ]
    insert(connection, inputs, ("customer", "seq", "message_id", "name", "past", "body"), rows)


def _tell_others(connection: Connection, row: CustomerRow, write: TurnWrite) -> tuple[str, ...]:
    """Returns whose bells were rung."""
    if not write.tellings:
        return ()
    told = lock_alive(connection, addressees(row, write))
    bells = current_bells(connection)
    appending = Appending(write.state.now)
    for telling in write.tellings:
        customer = told.get(telling.to or row.account_id or "")
        if customer is not None:
            appending.append(customer, telling.input)
            if bells.concerns(customer, telling.input):
                customer.ring()
    return appending.write(connection)


def addressees(row: CustomerRow, write: TurnWrite) -> list[str]:
    """Internal ids of those whom the decision tells something."""
    return sorted({to for telling in write.tellings if (to := telling.to or row.account_id) is not None})
