"""Bringing the customers that a revision concerns to it, page by page: their bells are set, the dispatcher rings them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select, update

from perennia.core.reach import Reach
from perennia.core.state import CustomerState
from perennia.store.bells import ALIVE, ring_those
from perennia.store.bodies import state_of
from perennia.store.records import Reached
from perennia.store.tables import customers, revisions

_reach_of = msgspec.json.Decoder(Reach).decode


def enrolled_in(playbook: str) -> ColumnElement[bool]:
    """Of customers: in this playbook, in whatever version. May take in a few who are not (ids that differ in one sign)."""
    return customers.c.enrollments.like(f'%["{playbook}",%')


def reach_on(connection: Connection, number: int, size: int, at: datetime) -> Reached:
    """`Store.reach_on`."""
    row = connection.execute(select(revisions).where(revisions.c.number == number).with_for_update()).one_or_none()
    if row is None or row.reached_at is not None:
        return Reached(rung=(), done=True)
    page = select(customers.c.id).where(*_waiting(row)).order_by(customers.c.id).limit(size)
    found = list(connection.scalars(page))
    if found:
        ring_those(connection, customers.c.id.in_(found), at)
    done = len(found) < size
    connection.execute(
        update(revisions)
        .where(revisions.c.number == number)
        .values(
            reach_after=found[-1] if found else row.reach_after,
            reached=row.reached + len(found),
            reached_at=at if done else None,
        )
    )
    return Reached(rung=tuple(found), done=done)


def left_of(connection: Connection, row: Row[*tuple[object, ...]]) -> int:
    """How many customers the revision (its row) concerns and has not reached."""
    return connection.scalar(select(func.count()).select_from(customers).where(*_waiting(row))) or 0


def _waiting(row: Row[*tuple[object, ...]]) -> tuple[ColumnElement[bool], ...]:
    """Of customers: behind those who were rung for the revision, and concerned by it."""
    # Who was decided with it, or with a later one, has seen it.
    since = select(revisions.c.id).where(revisions.c.number >= row.number)
    has_not_seen = or_(customers.c.revision.is_(None), customers.c.revision.not_in(since))
    return (customers.c.id > (row.reach_after or ""), ALIVE, _concerned(_reach_of(row.reach)), has_not_seen)


def _concerned(reach: Reach) -> ColumnElement[bool]:
    inside = [customers.c.enrollments != "[]"] if reach.anywhere else []
    named = (enrolled_in(playbook) for playbook in reach.enrolled)
    return or_(false(), customers.c.kind.in_(reach.kinds), *inside, *named)


def concerned(connection: Connection, reach: Reach) -> int:
    """`Store.concerned`."""
    return connection.scalar(select(func.count()).select_from(customers).where(and_(ALIVE, _concerned(reach)))) or 0


def unreached(connection: Connection) -> list[int]:
    """`Store.unreached`."""
    return list(connection.scalars(select(revisions.c.number).where(revisions.c.reached_at.is_(None))))


def states_in(connection: Connection, playbooks: Sequence[str], after: str, limit: int) -> list[CustomerState]:
    """`Store.states_in`."""
    inside = or_(false(), *(enrolled_in(playbook) for playbook in playbooks))
    page = select(customers.c.state).where(customers.c.id > after, ALIVE, inside, customers.c.state.is_not(None))
    return [state_of(state) for state in connection.scalars(page.order_by(customers.c.id).limit(limit))]
