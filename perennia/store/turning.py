"""The turn: one transaction around a decision. Lock, read, decide, write, clear the bell."""

from __future__ import annotations

from sqlalchemy import Connection

from perennia.store.bodies import state_of
from perennia.store.page import CustomerRow, Page, lock_customer, read_history, read_page, recipient
from perennia.store.port import Take
from perennia.store.records import NeedsHistory, TurnOutcome, TurnSnapshot, TurnWrite
from perennia.store.writing import leave, write_turn


def turn(connection: Connection, customer: str, take: Take) -> TurnOutcome:
    """`Store.turn`, as one transaction: two statements to read, one for the row, one for each table that changes."""
    row = lock_customer(connection, customer)
    page = read_page(connection, row)
    if row.is_over:
        # Merged or erased: nobody decides for it any more, and what still arrives for it (a message's end) is passed over.
        leave(connection, row, row.next_seq - 1)
        return TurnOutcome(effects=(), wake_at=None, unread=False)
    written = _decide(connection, row, page, take)
    if written is None:
        leave(connection, row, row.cursor)
        return TurnOutcome(effects=page.effects, wake_at=row.wake_at, unread=page.unread)
    rung = write_turn(connection, row, page, written)
    closed = frozenset(written.closed)
    return TurnOutcome(
        effects=tuple(effect for effect in (*page.effects, *written.effects) if effect.key not in closed),
        wake_at=written.wake_at,
        unread=page.unread,
        rung=rung,
    )


def _decide(connection: Connection, row: CustomerRow, page: Page, take: Take) -> TurnWrite | None:
    """Asks ``take`` once, and once more with the history it needs."""
    snapshot = _snapshot(connection, row, page)
    answer = take(snapshot)
    if isinstance(answer, NeedsHistory):
        answer = take(_snapshot(connection, row, page, answer.names))
    if isinstance(answer, NeedsHistory):
        raise TypeError(f"the turn asked for history a second time: {answer.names}")
    return answer


def _snapshot(
    connection: Connection, row: CustomerRow, page: Page, history: tuple[str, ...] | None = None
) -> TurnSnapshot:
    """``take`` may change the state it is given, so each call gets one of its own."""
    state = None if row.state is None else state_of(row.state)
    return TurnSnapshot(
        customer=row.id,
        kind=row.kind,
        external_id=row.external_id,
        account=row.account,
        first_seen=row.first_seen,
        state=state,
        revision=page.revision,
        inputs=page.inputs,
        unread=page.unread,
        recipient=recipient(connection, row, page, state),
        open_effects=page.effects,
        history=None if history is None else read_history(connection, row, history),
    )
