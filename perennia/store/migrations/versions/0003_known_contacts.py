"""Accounts learn of the contacts they have: from now on they keep who belongs to them, with which roles.

Revision ID: 0003
Revises: 0002
"""

from datetime import datetime
from typing import cast

import msgspec
import sqlalchemy as sa
from alembic import op

from perennia.store.columns import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_customers = sa.table(
    "customers",
    sa.column("id", sa.Text()),
    sa.column("kind", sa.Text()),
    sa.column("external_id", sa.Text()),
    sa.column("account", sa.Text()),
    sa.column("first_seen", Instant()),
    sa.column("next_seq", sa.BigInteger()),
    sa.column("merged_into", sa.Text()),
    sa.column("erased_at", sa.BigInteger()),
    sa.column("state", sa.Text()),
)
_inputs = sa.table(
    "inputs", sa.column("customer", sa.Text()), sa.column("seq", sa.BigInteger()), sa.column("body", sa.Text())
)


def upgrade() -> None:
    """One input for each contact, as a post would write it today; read by the account's next turn, whenever that is."""
    connection = op.get_bind()
    is_member = sa.and_(
        _customers.c.account.is_not(None), _customers.c.merged_into.is_(None), _customers.c.erased_at.is_(None)
    )
    members = connection.execute(sa.select(_customers).where(is_member).order_by(_customers.c.account, _customers.c.id))
    for contact in members.all():
        account = _customers.c.id == contact.account
        seq = connection.scalar(sa.select(_customers.c.next_seq).where(account)) or 1
        told = _told(contact.id, contact.external_id, contact.first_seen, contact.state, seq)
        connection.execute(_inputs.insert().values(customer=contact.account, seq=seq, body=told))
        connection.execute(_customers.update().where(account).values(next_seq=seq + 1))


class _Facts(msgspec.Struct):
    traits: dict[str, object] = {}


class _State(msgspec.Struct):
    """The part of a customer's state, as it was then, that tells of roles."""

    facts: _Facts


def _told(contact: str, ref: str, at: datetime, state: str | None, seq: int) -> str:
    told = None if state is None else msgspec.json.decode(state, type=_State).facts.traits.get("roles")
    listed = cast("list[object]", told) if isinstance(told, list) else [told]
    roles = [name for name in listed if isinstance(name, str) and name]
    change = {"type": "contact_changed", "at": at, "seq": seq, "contact": contact, "ref": ref, "roles": roles}
    return msgspec.json.encode(change).decode()
