"""Answers that other systems tell of: to whom they belong, and those that belong to nobody we know."""

from __future__ import annotations

from sqlalchemy import Connection, select

from perennia.store.bodies import normal_address, storable
from perennia.store.cursors import behind
from perennia.store.driver import insert_into
from perennia.store.port import UnknownCustomer
from perennia.store.reading import find
from perennia.store.screening import naming_erased
from perennia.store.survey_records import UnclaimedAnswer
from perennia.store.tables import customers, unclaimed_answers


def contact_of(connection: Connection, reference: str | None, email: str | None) -> str | None:
    """`Store.contact_of`."""
    if reference is not None:
        try:
            return find(connection, reference, "contact")
        except UnknownCustomer:
            pass  # perhaps the address is known
    if email is None:
        return None
    is_theirs = (customers.c.address == normal_address(email)) & (customers.c.kind == "contact")
    is_there = customers.c.merged_into.is_(None) & customers.c.erased_at.is_(None)
    found = connection.scalars(select(customers.c.id).where(is_theirs, is_there).limit(2)).all()
    return found[0] if len(found) == 1 else None


def keep_unclaimed(connection: Connection, answer: UnclaimedAnswer) -> None:
    """`Store.keep_unclaimed`."""
    if naming_erased(connection, [answer.body]):
        return
    row = insert_into(connection, unclaimed_answers).values(
        id=storable(answer.id),
        source=answer.source,
        survey=answer.survey,
        reason=answer.reason,
        at=answer.at,
        body=storable(answer.body),
    )
    connection.execute(row.on_conflict_do_nothing())


def list_unclaimed(connection: Connection, limit: int, after: str | None = None) -> list[UnclaimedAnswer]:
    """`Store.unclaimed`."""
    columns = unclaimed_answers.c
    statement = select(unclaimed_answers).where(*behind(columns.at, columns.id, after))
    rows = connection.execute(statement.order_by(columns.at.desc(), columns.id).limit(limit))
    return [
        UnclaimedAnswer(id=row.id, source=row.source, survey=row.survey, reason=row.reason, at=row.at, body=row.body)
        for row in rows
    ]
