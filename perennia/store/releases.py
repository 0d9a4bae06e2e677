"""The catalog in the store: documents that never change, and revisions, each a set of their versions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, Select, String, and_, func, literal_column, select, text
from sqlalchemy import insert as insert_into

from perennia.core.documents import Document, Triggers, content_hash
from perennia.store.batches import insert
from perennia.store.bells import ring_all
from perennia.store.bodies import body
from perennia.store.columns import microseconds
from perennia.store.port import StaleRevision, UnknownVersion
from perennia.store.records import Revision, StoredCatalog
from perennia.store.tables import customers, documents, revision_documents, revisions

_current = select(revisions).where(revisions.c.number == select(func.max(revisions.c.number)).scalar_subquery())


def publish(
    connection: Connection,
    published: Sequence[Document],
    triggers: Triggers,
    at: datetime,
    by: str,
    expected: str | None,
) -> Revision:
    """`Store.publish`."""
    _hold_still(connection)
    before = current_revision(connection)
    revision = Revision(
        id=_revision_id(published),
        number=1 if before is None else before.number + 1,
        parent=None if before is None else before.id,
        published_at=at,
        published_by=by,
    )
    if before is not None and before.id == revision.id:
        return before
    if revision.parent != expected:
        raise StaleRevision(
            f"the current revision is {revision.parent or 'none'}, not {expected or 'none'}: somebody published in "
            "between; look at what changed and publish again"
        )
    _write(connection, revision, published, triggers)
    ring_all(connection, at)
    return revision


def _hold_still(connection: Connection) -> None:
    """Waits until every turn, post and publish under way has ended, and lets none begin before this transaction ends.

    Else a customer who is made meanwhile would be missed by the bells and start on the former revision.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE customers IN EXCLUSIVE MODE"))


def _revision_id(published: Sequence[Document]) -> str:
    return content_hash("\n".join(sorted(f"{each.kind}/{each.id}/{each.version}" for each in published)))


def _write(connection: Connection, revision: Revision, published: Sequence[Document], triggers: Triggers) -> None:
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
        )
    )


# --- reading --------------------------------------------------------------------------------------------------------


def current_revision(connection: Connection) -> Revision | None:
    row = connection.execute(_current).one_or_none()
    return None if row is None else _revision(row)


def catalog(connection: Connection, revision: str) -> StoredCatalog:
    """`Store.catalog`. Raises `UnknownVersion`."""
    latest = select(revisions).where(revisions.c.id == revision).order_by(revisions.c.number.desc()).limit(1)
    row = connection.execute(latest).one_or_none()
    if row is None:
        raise UnknownVersion(f"no revision {revision!r}")
    listed = revision_documents
    is_listed = and_(
        listed.c.kind == documents.c.kind, listed.c.id == documents.c.id, listed.c.version == documents.c.version
    )
    current = select(documents).join(listed, is_listed).where(listed.c.revision == revision)
    return StoredCatalog(
        revision=_revision(row),
        current=_documents(connection, current),
        past=_documents(connection, _pinned(connection.dialect.name, revision)),
    )


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
