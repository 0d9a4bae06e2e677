"""Enrollments that are compared: written as turns tell of them, counted for reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, case, delete, func, select, update

from perennia.core.state import Trial
from perennia.store.batches import ROWS, Row, as_rows, upsert_rows
from perennia.store.bodies import body
from perennia.store.columns import microseconds
from perennia.store.driver import Driver
from perennia.store.prepared import execute
from perennia.store.tables import customers, documents
from perennia.store.trial_port import Trials
from perennia.store.trial_records import TrialCount, TrialVersion
from perennia.store.trial_tables import IS_OPEN_TRIAL, trials

_NAMES = (
    "customer",
    "enrollment",
    "playbook",
    "version",
    "began",
    "until",
    "held_out",
    "variants",
    "converted",
    "open",
)
_variants = msgspec.json.Decoder(dict[str, str]).decode


def write_trials(connection: Connection, customer: str, told: Sequence[Trial]) -> None:
    """In one statement, or none."""
    if not told:
        return
    rows: list[Row] = [
        (
            customer,
            each.enrollment,
            each.playbook,
            each.version,
            microseconds(each.began),
            microseconds(each.until),
            each.held_out,
            body(dict(sorted(each.variants.items()))),
            None if each.converted is None else microseconds(each.converted),
            each.converted is None,
        )
        for each in told
    ]
    statement = upsert_rows(connection.dialect.name, trials, _NAMES, ("customer", "enrollment"))
    execute(connection, statement, {ROWS: as_rows(rows)})


def close_trials(connection: Connection, at: datetime) -> None:
    """Those whose span is over need their version no more, and nobody was woken to say so."""
    connection.execute(update(trials).where(IS_OPEN_TRIAL, trials.c.until <= at).values(open=False))


def forget_trials(connection: Connection, customer: str) -> None:
    """Of a customer who turned out to be another one."""
    connection.execute(delete(trials).where(trials.c.customer == customer))


class SqlTrials(Trials):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def trial_versions(self, playbook: str) -> list[TrialVersion]:
        return await self._driver.read("trials", lambda c: _versions(c, playbook))

    async def trial_counts(
        self, playbook: str, versions: Sequence[str], now: datetime, since: datetime | None = None
    ) -> list[TrialCount]:
        return await self._driver.read("trials", lambda c: _counts(c, playbook, versions, now, since))


def _versions(connection: Connection, playbook: str) -> list[TrialVersion]:
    first = (
        select(trials.c.version, func.min(trials.c.began).label("began"))
        .where(trials.c.playbook == playbook)
        .group_by(trials.c.version)
        .subquery("first")
    )
    is_it = and_(documents.c.kind == "playbook", documents.c.id == playbook, documents.c.version == first.c.version)
    found = select(first.c.version, documents.c.body, first.c.began).join(documents, is_it)
    rows = connection.execute(found.order_by(first.c.began.desc(), first.c.version)).all()
    return [TrialVersion(version=row.version, body=row.body, began=row.began) for row in rows]


def _counts(
    connection: Connection, playbook: str, versions: Sequence[str], now: datetime, since: datetime | None
) -> list[TrialCount]:
    meant = [trials.c.playbook == playbook, trials.c.version.in_(versions)]
    meant += [] if since is None else [trials.c.began >= since]
    first = (
        select(trials.c.customer, func.min(trials.c.began).label("began"))
        .where(*meant)
        .group_by(trials.c.customer)
        .subquery("first")
    )
    is_first = and_(trials.c.customer == first.c.customer, trials.c.began == first.c.began)
    is_alive = and_(customers.c.id == trials.c.customer, customers.c.merged_into.is_(None))
    statement = (
        select(
            trials.c.held_out,
            trials.c.variants,
            func.count().label("customers"),
            func.count(trials.c.converted).label("converted"),
            func.sum(case((and_(trials.c.until > now, trials.c.converted.is_(None)), 1), else_=0)).label("open"),
        )
        .join(first, is_first)
        .join(customers, is_alive)
        .where(*meant)
        .group_by(trials.c.held_out, trials.c.variants)
        .order_by(trials.c.held_out, trials.c.variants)
    )
    return [
        TrialCount(
            held_out=row.held_out,
            variants=_variants(row.variants),
            customers=row.customers,
            converted=row.converted,
            open=row.open,
        )
        for row in connection.execute(statement).all()
    ]
