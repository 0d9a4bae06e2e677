"""What providers tell of messages that have left: opened, clicked, answered, come back."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, literal, select, update

from perennia.core.decisions import MessageTold
from perennia.core.errands import key_at_account
from perennia.core.nodes import MESSAGES
from perennia.core.outcomes import parse_effect_key
from perennia.store.bodies import body, storable, tokens_of
from perennia.store.columns import Instant
from perennia.store.locking import RUNG
from perennia.store.page import lock_customer
from perennia.store.suppressing import suppress
from perennia.store.tables import bare_messages, customers, inputs, messages


def tell_message(connection: Connection, told: MessageTold, message_id: str, closed_address: str | None) -> bool:
    """`Store.tell_message`."""
    if closed_address is not None:
        suppress(connection, closed_address, "bounced", told.at)
    customer = connection.scalar(select(messages.c.customer).where(messages.c.key == told.key))
    if customer is None:
        return False
    row = lock_customer(connection, customer)
    if row.is_over or _was_told(connection, storable(message_id)):
        return False
    parsed = parse_effect_key(told.key)
    # What becomes of a message to a role its account may wait for, which its contact does not know.
    handed = parsed is not None and key_at_account(parsed.enrollment) is not None
    watched = handed or MESSAGES in tokens_of(row.watching)
    text = body(msgspec.structs.replace(told, seq=row.next_seq))
    connection.execute(
        insert(inputs).values(customer=customer, seq=row.next_seq, message_id=storable(message_id), body=text)
    )
    rung_at = func.coalesce(customers.c.rung_at, literal(told.at, Instant()))
    bell = {"bell": RUNG, "rung_at": rung_at} if watched else {}
    connection.execute(update(customers).where(customers.c.id == customer).values(next_seq=row.next_seq + 1, **bell))
    return True


def _was_told(connection: Connection, message_id: str) -> bool:
    known = (select(table.c.message_id).where(table.c.message_id == message_id) for table in (inputs, bare_messages))
    return any(connection.scalar(statement) is not None for statement in known)
