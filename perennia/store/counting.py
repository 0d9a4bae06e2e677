"""What a dashboard counts. Every figure comes from an index or a column made for it: affordable a few times a second."""

from __future__ import annotations

from sqlalchemy import Connection, Select, String, func, literal_column, select, text

from perennia.core.decisions import Act
from perennia.store.bells import ALIVE
from perennia.store.records import Totals
from perennia.store.tables import IS_OPEN_TASK, customers, inputs, journal, messages, strangers, tasks

_customers = select(func.count()).select_from(customers).where(ALIVE)
_events = select(func.count(inputs.c.message_id))
_strangers = select(func.count()).select_from(strangers)
_tasks_open = select(func.count()).select_from(tasks).where(IS_OPEN_TASK)
_messages = select(messages.c.status, func.count()).group_by(messages.c.status)
# Word for word the condition of its index.
_counted = (
    select(journal.c.act, journal.c.playbook, journal.c.code, journal.c.reason, func.count())
    .where(text("(journal.act IN ('entered', 'ended') OR journal.code = 'skipped')"))
    .group_by(journal.c.act, journal.c.playbook, journal.c.code, journal.c.reason)
)


def totals(connection: Connection) -> Totals:
    """`Store.totals`.

    ``events``: all that was accepted from outside and kept, traits and strangers' events included. ``enrollments``: by
    playbook, the active ones as ``active``, ended ones by exit reason. ``skipped``: messages and other steps that did not
    happen, by reason code, those included that never came into the ledger.
    """
    skipped: dict[str, int] = {}
    enrollments: dict[str, dict[str, int]] = {}
    for act, playbook, code, reason, count in connection.execute(_counted):
        if act == Act.STEP_ENDED:
            skipped[reason or code] = skipped.get(reason or code, 0) + count
        elif act in (Act.ENTERED, Act.ENDED):
            of_playbook = enrollments.setdefault(playbook or "", {"active": 0})
            of_playbook["active"] += count if act == Act.ENTERED else -count
            if act == Act.ENDED:
                of_playbook[code] = of_playbook.get(code, 0) + count
    stages: dict[str, dict[str, int]] = {}
    for track, stage, count in connection.execute(_stages(connection.dialect.name)):
        stages.setdefault(track, {})[stage] = count
    return Totals(
        customers=_one(connection, _customers),
        events=_one(connection, _events) + _one(connection, _strangers),
        messages=dict(iter(connection.execute(_messages))),
        skipped=skipped,
        enrollments=enrollments,
        stages=stages,
        tasks_open=_one(connection, _tasks_open),
    )


def _one(connection: Connection, count: Select[int]) -> int:
    return connection.scalar(count) or 0


def _stages(dialect: str) -> Select[str, str, int]:
    if dialect == "sqlite":
        each = func.json_each(customers.c.stages).table_valued("key", "value", name="each")
    else:
        each = func.json_each_text(literal_column("customers.stages::json")).table_valued("key", "value", name="each")
    track, stage = (each.c[name].cast(String) for name in ("key", "value"))
    return (
        select(track, stage, func.count())
        .select_from(customers.join(each, text("true")))
        .where(customers.c.stages != "{}", customers.c.merged_into.is_(None))
        .group_by(track, stage)
    )
