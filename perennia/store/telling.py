"""What providers tell of messages that have left: opened, clicked, answered, come back."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, literal, select, update

from perennia.core.decisions import MessageTold, SendEmail
from perennia.core.digests import is_digest
from perennia.core.errands import key_at_account
from perennia.core.nodes import MESSAGES
from perennia.core.outcomes import parse_effect_key
from perennia.store.bodies import body, effect_of, storable, tokens_of
from perennia.store.columns import Instant
from perennia.store.locking import RUNG
from perennia.store.page import lock_customer
from perennia.store.suppressing import suppress
from perennia.store.tables import bare_messages, customers, effects, inputs, messages


def tell_message(
    connection: Connection, told: MessageTold, message_id: str, closed_address: str | None, item: int | None = None
) -> bool:
    """`Store.tell_message`. ``item``: of a digest the place of the message that it is about, where that is known."""
    if closed_address is not None:
        suppress(connection, closed_address, "bounced", told.at)
    customer = connection.scalar(select(messages.c.customer).where(messages.c.key == told.key))
    if customer is None:
        return False
    row = lock_customer(connection, customer)
    if row.is_over or _was_told(connection, storable(message_id)):
        return False
    keys = _told_of(connection, told, item)
    lines = [
        {
            "customer": customer,
            "seq": seq,
            "message_id": storable(message_id if seq == row.next_seq else f"{message_id}/{seq - row.next_seq}"),
            "body": body(msgspec.structs.replace(told, key=key, seq=seq)),
        }
        for seq, key in enumerate(keys, start=row.next_seq)
    ]
    if not lines:
        return False
    connection.execute(insert(inputs), lines)
    watched = MESSAGES in tokens_of(row.watching) or any(_is_handed_over(key) for key in keys)
    rung_at = func.coalesce(customers.c.rung_at, literal(told.at, Instant()))
    bell = {"bell": RUNG, "rung_at": rung_at} if watched else {}
    next_seq = row.next_seq + len(lines)
    connection.execute(update(customers).where(customers.c.id == customer).values(next_seq=next_seq, **bell))
    return True


def _told_of(connection: Connection, told: MessageTold, item: int | None) -> list[str]:
    """The keys under which steps are told; of a digest those of all its messages, of a click on an unknown one nobody's."""
    if not is_digest(told.key):
        return [told.key]
    found = connection.scalar(select(effects.c.body).where(effects.c.key == told.key))
    digest = None if found is None else effect_of(found)
    keys = [each.key for each in digest.items] if isinstance(digest, SendEmail) else []
    if told.what != "clicked" or len(keys) == 1:
        return keys
    return [] if item is None else keys[item : item + 1]


def _is_handed_over(key: str) -> bool:
    """What becomes of a message to a role its account may wait for, which its contact does not know."""
    parsed = parse_effect_key(key)
    return parsed is not None and key_at_account(parsed.enrollment) is not None


def _was_told(connection: Connection, message_id: str) -> bool:
    known = (select(table.c.message_id).where(table.c.message_id == message_id) for table in (inputs, bare_messages))
    return any(connection.scalar(statement) is not None for statement in known)
