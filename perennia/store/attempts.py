"""Tries that did not end an effect, one row for those that are like each other; and what came back of messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from perennia.store.attempt_records import Attempt, Tried
from perennia.store.bodies import storable
from perennia.store.records import MessageReport
from perennia.store.reports import report_of
from perennia.store.tables import attempts, deliveries, messages, reports

# A provider that answers each try with other words must not fill the table: from here on the last row counts them all.
MOST_ROWS: Final = 20
SAID_CHARS: Final = 300


def note(connection: Connection, key: str, tried: Tried) -> None:
    """`Attempts.note_attempt`."""
    whose = (
        select(ledger.c.customer).where(ledger.c.key == key).scalar_subquery() for ledger in (messages, deliveries)
    )
    customer = connection.scalar(select(func.coalesce(*whose)))
    if customer is None:
        return
    told = {
        "provider": tried.provider,
        "outcome": tried.outcome,
        "said": storable(tried.said)[:SAID_CHARS],
        "reply": tried.reply and storable(tried.reply)[:SAID_CHARS],
    }
    of_key = select(attempts).where(attempts.c.key == key).order_by(attempts.c.number.desc()).limit(1)
    last = connection.execute(of_key).mappings().one_or_none()
    if last is not None and (last["number"] >= MOST_ROWS or all(last[name] == told[name] for name in told)):
        is_last = (attempts.c.key == key) & (attempts.c.number == last["number"])
        counted = {**told, "last_at": tried.at, "times": attempts.c.times + 1}
        connection.execute(update(attempts).where(is_last).values(counted))
        return
    number = 1 if last is None else last["number"] + 1
    row = {"key": key, "number": number, "customer": customer, "at": tried.at, "last_at": tried.at, "times": 1}
    connection.execute(insert(attempts).values({**row, **told}))


def of_keys(connection: Connection, keys: Sequence[str]) -> Mapping[str, list[Attempt]]:
    """`Attempts.attempts`."""
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    rows = select(attempts).where(attempts.c.key.in_(keys)).order_by(attempts.c.key, attempts.c.number)
    for row in connection.execute(rows):
        found[row.key].append(
            Attempt(
                at=row.at,
                last_at=row.last_at,
                times=row.times,
                provider=row.provider,
                outcome=row.outcome,
                said=row.said,
                reply=row.reply,
            )
        )
    return found


def reports_on(connection: Connection, keys: Sequence[str]) -> Mapping[str, list[MessageReport]]:
    """`Attempts.reports_on`."""
    found: defaultdict[str, list[MessageReport]] = defaultdict(list)
    rows = select(reports).where(reports.c.message.in_(keys)).order_by(reports.c.at, reports.c.id)
    for row in connection.execute(rows):
        found[row.message].append(report_of(row))
    return found
