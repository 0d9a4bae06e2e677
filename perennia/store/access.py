"""API keys, and requests that may come twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from perennia.store.access_records import ApiKey, Asked, GivenReply, KeyChange
from perennia.store.access_tables import api_keys, api_requests
from perennia.store.bodies import body, storable
from perennia.store.driver import insert_into

NOTE_USE_EVERY: Final = timedelta(minutes=1)
LOST_AFTER: Final = timedelta(minutes=1)
KEPT_FOR: Final = timedelta(days=1)
_scopes_of = msgspec.json.Decoder(tuple[str, ...]).decode
_headers_of = msgspec.json.Decoder(dict[str, str]).decode
_columns = [column for column in api_keys.c if column.name not in ("digest", "former")]


# --- keys -----------------------------------------------------------------------------------------------------------


def add(connection: Connection, key: ApiKey, digest: str) -> None:
    """`Store.add_api_key`."""
    row = insert(api_keys).values(
        id=key.id,
        name=storable(key.name),
        hint=key.hint,
        digest=digest,
        scopes=body(key.scopes),
        rate=key.rate,
        created_at=key.created_at,
        created_by=storable(key.created_by),
        expires_at=key.expires_at,
    )
    connection.execute(row)


def good(connection: Connection, digest: str, at: datetime) -> ApiKey | None:
    """The key of `Store.use_api_key`, its use not noted."""
    was_its = (api_keys.c.former == digest) & (api_keys.c.former_until > at)
    not_expired = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > at)
    its = or_(api_keys.c.digest == digest, was_its)
    return _one(connection, its & api_keys.c.revoked_at.is_(None) & not_expired)


def is_noted(key: ApiKey, at: datetime) -> bool:
    """Whether its use was noted lately."""
    return key.last_used_at is not None and at < key.last_used_at + NOTE_USE_EVERY


def note_use(connection: Connection, id_: str, at: datetime) -> None:
    connection.execute(update(api_keys).where(api_keys.c.id == id_).values(last_used_at=at))


def find(connection: Connection, id_: str) -> ApiKey | None:
    """`Store.api_key`."""
    return _one(connection, api_keys.c.id == id_)


def listed(connection: Connection, limit: int, after: str | None) -> list[ApiKey]:
    """`Store.api_keys`."""
    statement = select(*_columns).order_by(api_keys.c.id).limit(limit)
    if after is not None:
        statement = statement.where(api_keys.c.id > after)
    return [_key(row) for row in connection.execute(statement)]


def change(connection: Connection, id_: str, told: KeyChange) -> ApiKey | None:
    """`Store.change_api_key`."""
    which = _in_force(id_)
    if told.version is not None:
        which &= api_keys.c.version == told.version
    values = {
        "name": storable(told.name),
        "scopes": body(told.scopes),
        "rate": told.rate,
        "expires_at": told.expires_at,
        "version": api_keys.c.version + 1,
    }
    changed = connection.execute(update(api_keys).where(which).values(values))
    return find(connection, id_) if changed.rowcount else None


def rotate(connection: Connection, id_: str, digest: str, hint: str, former_until: datetime) -> ApiKey | None:
    """`Store.rotate_api_key`."""
    values = {
        "former": api_keys.c.digest,
        "former_until": former_until,
        "digest": digest,
        "hint": hint,
        "version": api_keys.c.version + 1,
    }
    changed = connection.execute(update(api_keys).where(_in_force(id_)).values(values))
    return find(connection, id_) if changed.rowcount else None


def revoke(connection: Connection, id_: str, at: datetime) -> ApiKey | None:
    """`Store.revoke_api_key`."""
    values = {"revoked_at": at, "version": api_keys.c.version + 1}
    connection.execute(update(api_keys).where(_in_force(id_)).values(values))
    return find(connection, id_)


def _in_force(id_: str) -> ColumnElement[bool]:
    return (api_keys.c.id == id_) & api_keys.c.revoked_at.is_(None)


def _one(connection: Connection, which: ColumnElement[bool]) -> ApiKey | None:
    row = connection.execute(select(*_columns).where(which)).one_or_none()
    return None if row is None else _key(row)


def _key(row: Row[*tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        hint=row.hint,
        scopes=_scopes_of(row.scopes),
        rate=row.rate,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        former_until=row.former_until,
        version=row.version,
    )


# --- requests that may come twice -----------------------------------------------------------------------------------


def begin_request(connection: Connection, caller: str, key: str, fingerprint: str, at: datetime) -> Asked:
    """`Store.begin_request`."""
    connection.execute(delete(api_requests).where(api_requests.c.at < at - KEPT_FOR))
    row = {"caller": caller, "key": key, "fingerprint": fingerprint, "at": at}
    added = connection.execute(insert_into(connection, api_requests).values(row).on_conflict_do_nothing())
    if added.rowcount:
        return Asked(fresh=True)
    found = connection.execute(select(api_requests).where(_this(caller, key)).with_for_update()).one()
    if found.fingerprint != fingerprint:
        return Asked(differs=True)
    if found.status is not None:
        return Asked(reply=GivenReply(status=found.status, headers=_headers_of(found.headers), body=found.body))
    if at < found.at + LOST_AFTER:
        return Asked()
    connection.execute(update(api_requests).where(_this(caller, key)).values(at=at))
    return Asked(fresh=True)


def end_request(connection: Connection, caller: str, key: str, reply: GivenReply | None) -> None:
    """`Store.end_request`."""
    if reply is None:
        connection.execute(delete(api_requests).where(_this(caller, key)))
        return
    values = {"status": reply.status, "headers": body(reply.headers), "body": storable(reply.body)}
    connection.execute(update(api_requests).where(_this(caller, key)).values(values))


def _this(caller: str, key: str) -> ColumnElement[bool]:
    return (api_requests.c.caller == caller) & (api_requests.c.key == key)
