"""Anonymous answers: what was said is kept apart from that somebody has answered, so that nothing leads from one to the other.

A row of its own for each answer would have a place in the file, a transaction and a neighbour by which its author's input
could be found. So all answers of one group are one row, sorted by what they say; no answer has a time. They are shown
`TOGETHER` at once, so that no report differs from an earlier one by fewer people than that (k-anonymity, k = 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select

from perennia.core.decisions import SurveyAnswered
from perennia.core.json_values import Json, JsonObject
from perennia.store.bodies import body, state_of, storable
from perennia.store.driver import insert_into
from perennia.store.orders import place_order
from perennia.store.page import lock_customer
from perennia.store.survey_records import AnonymousAnswer, AnonymousBatch
from perennia.store.tables import anonymous_answers, responses

TOGETHER: Final = 5
# The batch of those that are too few to be shown.
WAITING: Final = "waiting"

_answers = msgspec.json.Decoder(list[AnonymousAnswer]).decode


def answer_anonymously(
    connection: Connection, customer: str, told: SurveyAnswered, said: AnonymousAnswer, by: Sequence[str]
) -> bool:
    """`Store.answer_anonymously`."""
    row = lock_customer(connection, customer)
    known = select(responses.c.id).where(responses.c.key == told.key)
    if told.key is not None and connection.execute(known).first() is not None:
        return False
    place_order(connection, customer, told)
    traits: JsonObject = {} if row.state is None else state_of(row.state).facts.traits
    group = storable(body({name: _word(traits.get(name)) for name in sorted(by)}))
    waiting = [*_locked(connection, told.survey, WAITING, group), said]
    if len(waiting) < TOGETHER:
        _write(connection, told.survey, WAITING, group, waiting)
        return True
    _write(connection, told.survey, WAITING, group, [])
    month = f"{told.at:%Y-%m}"
    _write(connection, told.survey, month, group, [*_locked(connection, told.survey, month, group), *waiting])
    return True


def _word(value: Json) -> str | None:
    """What a group is called; numbers, lists and the like would single people out."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value
        case _:
            return None


def _locked(connection: Connection, survey: str, batch: str, group: str) -> list[AnonymousAnswer]:
    """The row's answers; there is a row from here on, and it is ours until the transaction ends."""
    row = insert_into(connection, anonymous_answers).values(survey=survey, batch=batch, group=group, answers="[]")
    connection.execute(row.on_conflict_do_nothing())
    text = connection.scalar(select(anonymous_answers.c.answers).where(_is(survey, batch, group)).with_for_update())
    return _answers(text or "[]")


def _write(connection: Connection, survey: str, batch: str, group: str, answers: list[AnonymousAnswer]) -> None:
    """Sorted by what they say: not by when it was said."""
    if not answers:
        connection.execute(delete(anonymous_answers).where(_is(survey, batch, group)))
        return
    text = body(sorted(answers, key=body))
    connection.execute(anonymous_answers.update().where(_is(survey, batch, group)).values(answers=text))


def _is(survey: str, batch: str, group: str) -> ColumnElement[bool]:
    columns = anonymous_answers.c
    return (columns.survey == survey) & (columns.batch == batch) & (columns["group"] == group)


# --- reading --------------------------------------------------------------------------------------------------------


def anonymous_batches(connection: Connection, survey: str) -> tuple[list[AnonymousBatch], int]:
    """`Store.anonymous_batches`."""
    table = anonymous_answers
    rows = connection.execute(select(table).where(table.c.survey == survey).order_by(table.c.batch, table.c["group"]))
    shown: list[AnonymousBatch] = []
    waiting = 0
    for row in rows:
        answers = _answers(row.answers)
        if row.batch == WAITING:
            waiting += len(answers)
        else:
            group = msgspec.json.decode(row.group, type=dict[str, str | None])
            shown.append(AnonymousBatch(month=row.batch, group=group, answers=tuple(answers)))
    return shown, waiting
