"""Answers that other systems tell of: to whom they belong, and those that belong to nobody we know."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select

from perennia.core.decisions import SurveyAnswered
from perennia.store.bodies import normal_address, storable
from perennia.store.cursors import behind, cursor_of
from perennia.store.driver import insert_into
from perennia.store.orders import place_order
from perennia.store.page import lock_customer
from perennia.store.port import UnknownCustomer
from perennia.store.reading import find
from perennia.store.screening import naming_erased
from perennia.store.survey_records import AnswerGiven, UnclaimedAnswer
from perennia.store.tables import customers, inputs, unclaimed_answers


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
        response=answer.response and storable(answer.response),
    )
    connection.execute(row.on_conflict_do_nothing())
    # Looked at last: the row may have waited for the transaction that gave it away.
    if given(connection, answer.id) is not None:
        connection.execute(delete(unclaimed_answers).where(_is(answer.id)))


def list_unclaimed(connection: Connection, limit: int, after: str | None = None) -> list[UnclaimedAnswer]:
    """`Store.unclaimed`."""
    columns = unclaimed_answers.c
    statement = select(unclaimed_answers).where(*behind(columns.at, columns.id, after))
    return _answers(connection, statement.order_by(columns.at.desc(), columns.id).limit(limit))


def of_response(connection: Connection, id_: str) -> list[UnclaimedAnswer]:
    """`Store.unclaimed_response`."""
    columns = unclaimed_answers.c
    response = select(columns.response).where(_is(id_)).scalar_subquery()
    is_of_it = or_(_is(id_), columns.response == response)
    return _answers(connection, select(unclaimed_answers).where(is_of_it).order_by(columns.at, columns.id))


def _answers(connection: Connection, statement: Select[*tuple[object, ...]]) -> list[UnclaimedAnswer]:
    return [
        UnclaimedAnswer(
            id=row.id,
            source=row.source,
            survey=row.survey,
            reason=row.reason,
            at=row.at,
            body=row.body,
            response=row.response,
            cursor=cursor_of(row.at, row.id),
        )
        for row in connection.execute(statement)
    ]


def _is(id_: str) -> ColumnElement[bool]:
    return unclaimed_answers.c.id == storable(id_)


# --- giving them to somebody ----------------------------------------------------------------------------------------


def given(connection: Connection, id_: str) -> AnswerGiven | None:
    """`Store.answer_given`."""
    person = func.coalesce(customers.c.merged_into, customers.c.id).label("person")
    whose = select(person, inputs.c.seq).join(customers, customers.c.id == inputs.c.customer)
    row = connection.execute(whose.where(inputs.c.message_id == storable(id_))).one_or_none()
    return None if row is None else AnswerGiven(customer=row.person, seq=row.seq)


def give(connection: Connection, id_: str, customer: str, answer: SurveyAnswered) -> AnswerGiven | None:
    """`Store.give_answer`."""
    lock_customer(connection, customer)  # first, as everywhere, so that nobody waits for each other
    if not connection.execute(delete(unclaimed_answers).where(_is(id_))).rowcount:
        return given(connection, id_)
    seq = place_order(connection, customer, answer, id_)
    return AnswerGiven(customer=customer, seq=seq) if seq else given(connection, id_)
