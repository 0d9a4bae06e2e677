"""Answers to surveys as they are kept for pages and reports: one row for each message that asked, the last answer in it.

What playbooks see of an answer is its input; both are written in one transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, insert, select, update

from perennia.core.decisions import SendEmail, SurveyAnswered
from perennia.store.bodies import effect_of, storable
from perennia.store.columns import Instant
from perennia.store.prepared import execute
from perennia.store.records import GivenAnswer, SurveyQuestion
from perennia.store.tables import customers, effects, messages, responses

_current = func.coalesce(customers.c.merged_into, customers.c.id)
_question = (
    select(
        _current.label("customer"),
        effects.c.body,
        messages.c.ended_at,
        responses.c.score,
        responses.c.comment,
        responses.c.first_at,
    )
    .join(customers, customers.c.id == effects.c.customer)
    .join(messages, messages.c.key == effects.c.key)
    .outerjoin(responses, responses.c.key == effects.c.key)
    .where(effects.c.key == bindparam("key"), customers.c.erased_at.is_(None))
)
_columns = ("customer", "survey", "key", "score", "comment", "source", "first_at", "at")
_keep = insert(responses).values({name: bindparam(name, type_=responses.c[name].type) for name in _columns})
_change = (
    update(responses)
    .where(responses.c.key == bindparam("answered"))
    .values(
        score=bindparam("score"),
        comment=bindparam("comment"),
        source=bindparam("source"),
        at=bindparam("at", type_=Instant()),
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
    answer = None if row.score is None else GivenAnswer(score=row.score, comment=row.comment, first_at=row.first_at)
    return SurveyQuestion(customer=row.customer, asked=effect.survey, context=effect.context, answer=answer)


def keep_response(connection: Connection, customer: str, answer: SurveyAnswered) -> None:
    """Keeps the answer: in place of the one that the same message was given before, where a message asked."""
    said = {
        "score": answer.score,
        "comment": None if answer.comment is None else storable(answer.comment),
        "source": answer.by or "api",
        "at": answer.at,
    }
    if answer.key is not None and execute(connection, _change, {"answered": answer.key, **said}):
        return
    about = {"customer": customer, "survey": answer.survey, "key": answer.key, "first_at": answer.at}
    execute(connection, _keep, {**about, **said})
