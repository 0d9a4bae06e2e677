"""The turn: one transaction around a decision. Lock, read, decide, write, clear the bell."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from perennia.core.decisions import CustomerEvent
from perennia.core.state import LedgerEntry
from perennia.store.bodies import state_of
from perennia.store.counted_messages import counted_messages
from perennia.store.locking import lock_alive
from perennia.store.page import CustomerRow, Page, lock_customer, read_history, read_page, recipient
from perennia.store.port import Take
from perennia.store.records import NeedsHistory, NeedsLedger, TurnOutcome, TurnSnapshot, TurnWrite
from perennia.store.writing import addressees, leave, write_turn


class AccountsFirst(Exception):
    """The contact's turn has something for accounts, which are locked before their contacts: it begins anew with them.

    Raised before anything is written.
    """

    def __init__(self, accounts: frozenset[str]) -> None:
        super().__init__(accounts)
        self.accounts = accounts


def turn(connection: Connection, customer: str, take: Take, accounts: frozenset[str] = frozenset()) -> TurnOutcome:
    """`Store.turn`, as one transaction: two statements to read, one for the row, one for each table that changes.

    ``accounts``: whom a contact's turn is known to have something for. Raises `AccountsFirst` where there are others.
    """
    if accounts:
        lock_alive(connection, sorted(accounts))
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
    if row.kind == "contact" and connection.dialect.name != "sqlite":
        missing = frozenset(addressees(row, written)) - accounts
        if missing:
            raise AccountsFirst(accounts | missing)
    rung = write_turn(connection, row, page, written)
    closed = frozenset(written.closed)
    return TurnOutcome(
        effects=tuple(effect for effect in (*page.effects, *written.effects) if effect.key not in closed),
        wake_at=written.wake_at,
        unread=page.unread,
        rung=rung,
    )


def _decide(connection: Connection, row: CustomerRow, page: Page, take: Take) -> TurnWrite | None:
    """Asks ``take``, and again with what it needs: history, the ledger, each once."""
    history: tuple[CustomerEvent, ...] | None = None
    ledger: tuple[LedgerEntry, ...] | None = None
    while True:
        answer = take(_snapshot(connection, row, page, history, ledger))
        match answer:
            case NeedsHistory() if history is None:
                history = read_history(connection, row.id, answer.names)
            case NeedsLedger() if ledger is None:
                ledger = counted_messages(connection, row.id, answer.since, lock=True)
            case NeedsHistory() | NeedsLedger():
                raise TypeError(f"the turn asked a second time: {answer}")
            case _:
                return answer


def _snapshot(
    connection: Connection,
    row: CustomerRow,
    page: Page,
    history: tuple[CustomerEvent, ...] | None,
    ledger: tuple[LedgerEntry, ...] | None,
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
        recipient=msgspec.structs.replace(recipient(connection, row, page, state), ledger=ledger),
        open_effects=page.effects,
        history=history,
        stopped=page.stopped,
        waits=page.waits,
    )
