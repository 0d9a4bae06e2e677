"""The catalog in the store: documents that never change, and revisions, each a set of their versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy import insert as insert_into

from perennia.core.documents import Document, Triggers, content_hash
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reach import Reach
from perennia.store.batches import insert
from perennia.store.bodies import body
from perennia.store.broadcast_tables import live_versions
from perennia.store.columns import microseconds
from perennia.store.port import StaleRevision, UnknownVersion
from perennia.store.reaching import enrolled_in, left_of, reach_on
from perennia.store.records import PublishOutcome, Revision, RevisionProgress, StoredCatalog, UnderWay
from perennia.store.tables import customers, documents, playbook_orders, revision_documents, revisions
from perennia.store.trial_tables import open_versions
from perennia.store.trials import close_trials

_current = select(revisions).where(revisions.c.number == select(func.max(revisions.c.number)).scalar_subquery())


def publish(
    connection: Connection,
    published: Sequence[Document],
    triggers: Triggers,
    at: datetime,
    by: str,
    expected: str | None,
    orders: Sequence[PlaybookOrder],
    reach: Reach,
    at_once: int,
) -> PublishOutcome:
    """`Store.publish`."""
    _hold_still(connection)
    before = current_revision(connection)
    if before is not None and not orders and _contents(_listed(connection, before.id)) == _contents(published):
        return PublishOutcome(revision=before, rung=(), is_new=False)
    parent = None if before is None else before.id
    if parent != expected:
        raise _stale(connection, expected, parent)
    number = 1 if before is None else before.number + 1
    given = [msgspec.structs.replace(order, number=number, at=at, by=by) for order in orders]
    revision = Revision(
        id=_revision_id(parent, published, given), number=number, parent=parent, published_at=at, published_by=by
    )
    _write(connection, revision, published, triggers, given, reach)
    close_trials(connection, at)
    page = reach_on(connection, number, at_once, at)
    return PublishOutcome(revision=revision, rung=page.rung, is_new=True, reached=page.done)


def _stale(connection: Connection, expected: str | None, current: str | None) -> StaleRevision:
    """Who published what since ``expected`` was current."""
    seen = 0
    if expected is not None:
        last = connection.scalar(select(func.max(revisions.c.number)).where(revisions.c.id == expected))
        if last is None:
            return StaleRevision(expected, (), ())
        seen = last
    since = connection.execute(select(revisions).where(revisions.c.number > seen).order_by(revisions.c.number))
    known, now = (_contents(() if each is None else _listed(connection, each)) for each in (expected, current))
    changed = {f"{kind} {id_}" for kind, id_, _ in known ^ now}
    ordered = _orders(connection, playbook_orders.c.number > seen)
    changed |= {f"{order.word} {order.playbook}" for order in ordered}
    return StaleRevision(expected, [_revision(row) for row in since], sorted(changed))


def _contents(documents: Iterable[Document]) -> frozenset[tuple[str, str, str]]:
    return frozenset((each.kind, each.id, each.version) for each in documents)


def _hold_still(connection: Connection) -> None:
    """Waits until every turn, post and publish under way has ended, and lets none begin before this transaction ends.

    Else a customer who is made meanwhile would be missed by the bells and start on the former revision.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE customers IN EXCLUSIVE MODE"))


def _revision_id(parent: str | None, published: Sequence[Document], orders: Sequence[PlaybookOrder]) -> str:
    """Names one state of the catalog and how it came about: going back to former documents is a state of its own."""
    said = sorted(f"{each.kind}/{each.id}/{each.version}" for each in published)
    return content_hash("\n".join([*([] if parent is None else [parent]), *said, *(body(order) for order in orders)]))


def _write(
    connection: Connection,
    revision: Revision,
    published: Sequence[Document],
    triggers: Triggers,
    orders: Sequence[PlaybookOrder],
    reach: Reach,
) -> None:
    at = microseconds(revision.published_at)
    bodies = [(each.kind, each.id, each.version, each.body, at) for each in published]
    names = ("kind", "id", "version", "body", "published_at")
    insert(connection, documents, names, bodies, ignore_known=True)
    versions = [(revision.id, each.kind, each.id, each.version) for each in published]
    insert(connection, revision_documents, ("revision", "kind", "id", "version"), versions, ignore_known=True)
    connection.execute(
        insert_into(revisions).values(
            number=revision.number,
            id=revision.id,
            parent=revision.parent,
            published_at=revision.published_at,
            published_by=revision.published_by,
            triggers=body(triggers),
            reach=body(reach),
        )
    )
    if orders:
        rows = [
            {
                "number": order.number,
                "playbook": order.playbook,
                "word": order.word,
                "version": order.version,
                "map": body(order.map),
                "at": order.at,
                "by": order.by,
            }
            for order in orders
        ]
        connection.execute(insert_into(playbook_orders), rows)


# --- reading --------------------------------------------------------------------------------------------------------


def current_revision(connection: Connection) -> Revision | None:
    row = connection.execute(_current).one_or_none()
    return None if row is None else _revision(row)


def find_revision(connection: Connection, reference: str) -> Revision | None:
    """`Store.find_revision`."""
    is_it = revisions.c.id == reference
    # A longer row of digits is no number that anybody has counted to, and more than a database compares.
    if reference.isascii() and reference.isdigit() and len(reference) < 10:
        is_it = or_(is_it, revisions.c.number == int(reference))
    row = connection.execute(select(revisions).where(is_it).order_by(revisions.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _revision(row)


def revision_of(connection: Connection, published: Sequence[Document]) -> Revision | None:
    """`Store.revision_of`."""
    listed = revision_documents
    name = listed.c.kind + "/" + listed.c.id + "/" + listed.c.version
    is_one = case((name.in_([f"{each.kind}/{each.id}/{each.version}" for each in published]), 1), else_=0)
    same = (
        select(listed.c.revision)
        .group_by(listed.c.revision)
        .having(func.count() == len(published), func.sum(is_one) == len(published))
    )
    found = select(revisions).where(revisions.c.id.in_(same)).order_by(revisions.c.number.desc()).limit(1)
    row = connection.execute(found).one_or_none()
    return None if row is None else _revision(row)


def under_way(connection: Connection) -> list[UnderWay]:
    """`Store.under_way`."""
    found = select(revisions).where(revisions.c.reached_at.is_(None)).order_by(revisions.c.number)
    return [
        UnderWay(revision=_revision(row), reached=row.reached, left=left_of(connection, row))
        for row in connection.execute(found).all()
    ]


def list_revisions(connection: Connection, limit: int, before: int | None) -> list[RevisionProgress]:
    """`Store.revisions`."""
    newest = select(revisions).order_by(revisions.c.number.desc()).limit(limit)
    if before is not None:
        newest = newest.where(revisions.c.number < before)
    found = connection.execute(newest).all()
    numbers = [row.number for row in found]
    orders = _orders(connection, playbook_orders.c.number.in_(numbers))
    return [
        RevisionProgress(
            revision=_revision(row),
            orders=tuple(order for order in orders if order.number == row.number),
            reached=row.reached,
            reached_at=row.reached_at,
        )
        for row in found
    ]


def catalog(connection: Connection, revision: str) -> StoredCatalog:
    """`Store.catalog`. Raises `UnknownVersion`."""
    latest = select(revisions).where(revisions.c.id == revision).order_by(revisions.c.number.desc()).limit(1)
    row = connection.execute(latest).one_or_none()
    if row is None:
        raise UnknownVersion(f"no revision {revision!r}")
    orders = _unobeyed(connection, row.number)
    past = {each.version: each for each in _documents(connection, _pinned(connection.dialect.name, revision))}
    current = _listed(connection, revision)
    entering = and_(documents.c.kind == "playbook", documents.c.version.in_(live_versions))
    past |= {each.version: each for each in _documents(connection, select(documents).where(entering))}
    compared = and_(documents.c.kind == "playbook", documents.c.version.in_(open_versions))
    listed = {each.version for each in current}
    past |= {e.version: e for e in _documents(connection, select(documents).where(compared)) if e.version not in listed}
    led_to = {order.version for order in orders if order.version} - {*past, *(each.version for each in current)}
    is_led_to = and_(documents.c.kind == "playbook", documents.c.version.in_(led_to))
    if led_to:
        past |= {each.version: each for each in _documents(connection, select(documents).where(is_led_to))}
    return StoredCatalog(revision=_revision(row), current=current, past=tuple(past.values()), orders=orders)


def _listed(connection: Connection, revision: str) -> tuple[Document, ...]:
    listed = revision_documents
    is_listed = and_(
        listed.c.kind == documents.c.kind, listed.c.id == documents.c.id, listed.c.version == documents.c.version
    )
    return _documents(connection, select(documents).join(listed, is_listed).where(listed.c.revision == revision))


def _unobeyed(connection: Connection, number: int) -> tuple[PlaybookOrder, ...]:
    """Pauses, all of them; of what moves people, what somebody who is in the playbook may not have carried out yet.

    That somebody is still in it, however late the question: so each process that asks finds the same for them.
    """
    found = _orders(connection, playbook_orders.c.number <= number)
    eldest: dict[str, int] = {}
    for playbook in {order.playbook for order in found if order.word in ("migrate", "exit")}:
        decided_with = select(func.min(revisions.c.number)).select_from(
            customers.join(revisions, revisions.c.id == customers.c.revision)
        )
        eldest[playbook] = connection.scalar(decided_with.where(enrolled_in(playbook))) or number
    return tuple(
        order
        for order in found
        if order.word not in ("migrate", "exit") or order.number >= eldest.get(order.playbook, number)
    )


def _orders(connection: Connection, which: ColumnElement[bool]) -> list[PlaybookOrder]:
    rows = connection.execute(select(playbook_orders).where(which).order_by(playbook_orders.c.number))
    return [
        PlaybookOrder(
            number=row.number,
            at=row.at,
            playbook=row.playbook,
            word=row.word,
            by=row.by,
            version=row.version,
            map=msgspec.json.decode(row.map, type=dict[str, str]),
        )
        for row in rows
    ]


def _pinned(dialect: str, revision: str) -> Select[*tuple[object, ...]]:
    """Former playbook versions in which somebody is enrolled now."""
    if dialect == "sqlite":
        each = func.json_each(customers.c.enrollments).table_valued("value", name="each")
        playbook, version = (func.json_extract(each.c.value, f"$[{i}]", type_=String()) for i in (0, 1))
    else:
        each = func.json_array_elements(literal_column("customers.enrollments::json")).table_valued(
            "value", name="each"
        )
        playbook, version = (each.c.value.op("->>", return_type=String())(literal_column(str(i))) for i in (0, 1))
    pinned = (
        select(playbook.label("id"), version.label("version"))
        .select_from(customers.join(each, text("true")))
        .where(customers.c.enrollments != "[]")
        .distinct()
        .subquery("pinned")
    )
    listed = select(revision_documents.c.version).where(
        revision_documents.c.revision == revision, revision_documents.c.kind == "playbook"
    )
    is_pinned = and_(documents.c.id == pinned.c.id, documents.c.version == pinned.c.version)
    return (
        select(documents)
        .join(pinned, is_pinned)
        .where(documents.c.kind == "playbook", documents.c.version.not_in(listed))
    )


def template(connection: Connection, version: str) -> Document:
    """`Store.template`. Raises `UnknownVersion`."""
    found = select(documents).where(documents.c.version == version, documents.c.kind == "template").limit(1)
    for document in _documents(connection, found):
        return document
    raise UnknownVersion(f"no template of version {version!r}")


def _documents(connection: Connection, statement: Select[*tuple[object, ...]]) -> tuple[Document, ...]:
    rows = connection.execute(statement.order_by(documents.c.kind, documents.c.id, documents.c.version))
    return tuple(
        Document(kind=row.kind, id=row.id, version=row.version, body=row.body, published_at=row.published_at)
        for row in rows
    )


def _revision(row: Row[*tuple[object, ...]]) -> Revision:
    return Revision(
        id=row.id,
        number=row.number,
        parent=row.parent,
        published_at=row.published_at,
        published_by=row.published_by,
    )
