"""Answers to surveys as they are kept for pages and reports: one row for each message that asked, the last answer in it.

What playbooks see of an answer is its input; both are written in one transaction.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, false, func, insert, or_, select, update

from perennia.core.decisions import SendEmail, SurveyAnswered
from perennia.store.bodies import body, effect_of, object_of, state_of, storable
from perennia.store.columns import Instant, instant, microseconds
from perennia.store.prepared import execute
from perennia.store.records import GivenAnswer, Response, SurveyQuestion
from perennia.store.survey_records import Answered
from perennia.store.tables import customers, effects, responses

# Who they are by now.
_person = func.coalesce(customers.c.merged_into, customers.c.id)
_now = customers.alias("now")
_question = (
    select(
        _person.label("customer"),
        customers.c.erased_at,
        effects.c.body,
        effects.c.at.label("asked_at"),
        responses.c.id,
        responses.c.score,
        responses.c.comment,
        responses.c.first_at,
        responses.c.answers,
        responses.c.partial,
    )
    .join(customers, customers.c.id == effects.c.customer)
    .outerjoin(responses, responses.c.key == effects.c.key)
    .where(effects.c.key == bindparam("key"))
)
_columns = ("customer", "survey", "key", "score", "comment", "source", "first_at", "at", "answers", "partial")
_keep = insert(responses).values({name: bindparam(name, type_=responses.c[name].type) for name in _columns})
_change = (
    update(responses)
    .where(responses.c.key == bindparam("answered"))
    .values(
        score=bindparam("score"),
        comment=bindparam("comment"),
        source=bindparam("source"),
        at=bindparam("at", type_=Instant()),
        answers=bindparam("answers"),
        partial=bindparam("partial"),
    )
    .returning(responses.c.id)
)


def survey_question(connection: Connection, key: str) -> SurveyQuestion | None:
    """`Store.survey_question`."""
    rows = execute(connection, _question, {"key": key})
    if not rows:
        return None
    row = rows[0]
    effect = effect_of(row.body)
    if not isinstance(effect, SendEmail) or effect.survey is None:
        return None
    answer = None
    if row.id is not None:
        answer = GivenAnswer(
            score=row.score,
            comment=row.comment,
            first_at=row.first_at,
            answers=object_of(row.answers),
            partial=row.partial,
        )
    return SurveyQuestion(
        customer=row.customer,
        asked=effect.survey,
        context=effect.context,
        answer=answer,
        asked_at=row.asked_at,
        erased=row.erased_at is not None,
    )


def given_answer(connection: Connection, key: str) -> GivenAnswer | None:
    """`Store.given_answer`."""
    whose = select(responses, _person.label("person")).join(customers, customers.c.id == responses.c.customer)
    row = connection.execute(whose.where(responses.c.key == key)).one_or_none()
    if row is None:
        return None
    return GivenAnswer(
        score=row.score,
        comment=row.comment,
        first_at=row.first_at,
        answers=object_of(row.answers),
        partial=row.partial,
        customer=row.person,
    )


def keep_response(connection: Connection, customer: str, answer: SurveyAnswered) -> None:
    """Keeps the answer: in place of the one that the same message was given before, where a message asked."""
    said = {
        "score": answer.score,
        "comment": None if answer.comment is None else storable(answer.comment),
        "source": answer.by or "api",
        "at": answer.at,
        "answers": body(answer.answers),
        "partial": answer.partial,
    }
    if answer.key is not None and execute(connection, _change, {"answered": answer.key, **said}):
        return
    about = {"customer": customer, "survey": answer.survey, "key": answer.key, "first_at": answer.at}
    execute(connection, _keep, {**about, **said})


# --- reading --------------------------------------------------------------------------------------------------------


def answered(
    connection: Connection, survey: str, since: datetime | None, until: datetime | None, *, states: bool
) -> list[Answered]:
    """`Store.answered`."""
    newest_first = (responses.c.at.desc(), responses.c.id.desc())
    columns = [_person.label("customer"), responses.c.at, responses.c.score, responses.c.answers]
    statement = select(*columns, *([_now.c.state] if states else []))
    statement = statement.join(customers, customers.c.id == responses.c.customer)
    if states:
        statement = statement.join(_now, _now.c.id == _person)
    rows = connection.execute(statement.where(_in_period(survey, since, until)).order_by(*newest_first))
    return [
        Answered(
            customer=row.customer,
            at=row.at,
            score=row.score,
            answers=object_of(row.answers),
            state=state_of(row.state) if states and row.state is not None else None,
        )
        for row in rows
    ]


def list_responses(
    connection: Connection,
    survey: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    after: str | None,
) -> list[Response]:
    """`Store.responses`."""
    statement = (
        select(
            responses.c.id,
            responses.c.score,
            responses.c.comment,
            responses.c.source,
            responses.c.at,
            responses.c.answers,
            responses.c.partial,
            _person.label("customer"),
            _now.c.external_id,
        )
        .join(customers, customers.c.id == responses.c.customer)
        .join(_now, _now.c.id == _person)
        .where(_in_period(survey, since, until), *_behind(after))
        .order_by(responses.c.at.desc(), responses.c.id.desc())
        .limit(limit)
    )
    return [
        Response(
            customer=row.customer,
            external_id=row.external_id,
            score=row.score,
            comment=row.comment,
            source=row.source,
            at=row.at,
            answers=object_of(row.answers),
            partial=row.partial,
            cursor=f"{microseconds(row.at)}-{row.id}",
        )
        for row in connection.execute(statement)
    ]


def _behind(cursor: str | None) -> list[ColumnElement[bool]]:
    """What comes after the answer with this cursor, newest first. One that is none: nothing does."""
    if cursor is None:
        return []
    at, _, number = cursor.partition("-")
    if not (at.isdecimal() and number.isdecimal() and cursor.isascii() and len(at) < 19 and len(number) < 19):
        return [false()]
    here = instant(int(at))
    return [or_(responses.c.at < here, and_(responses.c.at == here, responses.c.id < int(number)))]


def _in_period(survey: str, since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    bounds = [responses.c.survey == survey, customers.c.erased_at.is_(None)]
    if since is not None:
        bounds.append(responses.c.at >= since)
    if until is not None:
        bounds.append(responses.c.at < until)
    return and_(*bounds)
