"""What providers report of messages that have left: kept once, told to the customer, and obeyed where an address is closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, func, select

from perennia.core.decisions import MessageTold, Told
from perennia.core.json_values import JsonObject
from perennia.core.tracking import CHOICE
from perennia.store.bodies import normal_address, storable
from perennia.store.driver import insert_into
from perennia.store.identities import Name
from perennia.store.marks import ADDRESS, REFERENCE, Mark, erased_among, remember
from perennia.store.outbound_records import OutboundEvent, OutboundType
from perennia.store.outbox import tell_of
from perennia.store.permission import say
from perennia.store.permission_records import ConsentSaid
from perennia.store.records import MessageReport
from perennia.store.suppressing import suppress
from perennia.store.tables import IS_SOFT, consents, customers, messages, reports
from perennia.store.telling import tell_message

# An address that mail cannot be left at five times in a month is given up: what mailing list software has as its rule.
SOFT_BOUNCES: Final = 5
SOFT_SPAN: Final = timedelta(days=30)

# What we see ourselves so soon after a message left is a scanner that opens its links on the way: no person is as fast.
TOO_SOON: Final = timedelta(seconds=10)

_TOLD: Final[dict[str, Told]] = {
    "opened": "opened",
    "clicked": "clicked",
    "replied": "replied",
    "bounced": "bounced",
}


def hear_report(connection: Connection, report: MessageReport, at: datetime) -> bool:
    """`Store.hear_report`."""
    key, customer, topic, address, left = _message_of(connection, report.reference)
    if key is None and (report.seen or report.unsigned):
        return False
    if report.seen and customer is not None and _refused(connection, customer):
        return False
    if report.seen:
        report = _by_whom(report, left, at)
    if report.unsigned:
        report = msgspec.structs.replace(report, address=address)
    if key is None and _passed_over(connection, report, at):
        return False
    if not _keep(connection, report, key, customer, at):
        return False
    closed = _closes(connection, report, at)
    what = _TOLD.get(report.what)
    if closed is not None and report.address is not None:
        suppress(connection, report.address, closed, at)
    if key is not None and what is not None and not report.machine:
        told = MessageTold(at=at, key=key, what=what)
        tell_message(connection, told, f"{report.provider}:{report.id}", None, report.item)
    if key is not None and customer is not None:
        about: JsonObject = {"message": key, "what": report.what, "bounce": report.bounce, "machine": report.machine}
        tell_of(connection, customer, OutboundEvent(type=OutboundType.MESSAGE_REPORTED, at=at, data=about))
    if report.what == "unsubscribed" and customer is not None and topic is not None:
        say(connection, customer, ConsentSaid(topic=topic, given=False, at=at, source=report.provider))
    return True


def _refused(connection: Connection, customer: str) -> bool:
    """Whether they do not want us to see it, also of messages that left before they said so."""
    living = func.coalesce(customers.c.merged_into, customers.c.id)
    said = select(consents.c.given).join(customers, consents.c.customer == living)
    return connection.scalar(said.where(customers.c.id == customer, consents.c.topic == CHOICE)) is False


def _by_whom(report: MessageReport, left: datetime | None, at: datetime) -> MessageReport:
    """What we saw ourselves, as a person's or a machine's: each is kept once."""
    machine = report.machine or left is None or at - left < TOO_SOON
    return msgspec.structs.replace(report, id=f"{report.id}/machine" if machine else report.id, machine=machine)


class _Found(NamedTuple):
    """The message that a report names: where it went, and when it left."""

    key: str | None = None
    customer: str | None = None
    topic: str | None = None
    address: str | None = None
    left: datetime | None = None


def _message_of(connection: Connection, reference: str | None) -> _Found:
    """Nothing where it is none of ours: others may send through the same account."""
    if reference is None:
        return _Found()
    columns = (messages.c[name] for name in ("key", "customer", "topic", "address", "ended_at"))
    found = connection.execute(select(*columns).where(messages.c.reference == reference)).first()
    return _Found() if found is None else _Found(*found)


def _passed_over(connection: Connection, report: MessageReport, at: datetime) -> bool:
    """Whether it is of somebody who was erased: nothing of it is kept, and their address is closed where it says so."""
    address = None if report.address is None else Name(ADDRESS, normal_address(report.address))
    reference = None if report.reference is None else Name(REFERENCE, report.reference)
    marks = erased_among(connection, [name for name in (address, reference) if name is not None])
    mark = None if address is None else marks.get(address)
    if address is not None and mark is not None and mark.reason is None:
        closed = _closes(connection, report, at)
        if closed is not None:
            remember(connection, {address: Mark(mark.at, closed, at)})
    return bool(marks)


def _keep(connection: Connection, report: MessageReport, key: str | None, customer: str | None, at: datetime) -> bool:
    """False: it was kept before, or came with a token that was."""
    row = insert_into(connection, reports).values(
        id=storable(f"{report.provider}:{report.id}"),
        token=None if report.token is None else storable(f"{report.provider}:{report.token}"),
        provider=report.provider,
        what=report.what,
        bounce=report.bounce,
        machine=report.machine,
        message=key,
        customer=customer,
        address=None if report.address is None else normal_address(report.address),
        at=at,
        raw=storable(report.raw),
    )
    added = connection.execute(row.on_conflict_do_nothing().returning(reports.c.id))
    return added.one_or_none() is not None


def _closes(connection: Connection, report: MessageReport, at: datetime) -> str | None:
    """Why the address is closed by this, None where it is not."""
    if report.what == "complained":
        return "complained"
    if report.what != "bounced" or report.address is None:
        return None
    if report.bounce == "hard":
        return "bounced"
    is_recent = (reports.c.address == normal_address(report.address)) & (reports.c.at > at - SOFT_SPAN)
    soft = connection.scalar(select(func.count()).select_from(reports).where(is_recent, IS_SOFT)) or 0
    return "bounced" if soft >= SOFT_BOUNCES else None


def list_reports(connection: Connection, customer: str, limit: int) -> list[MessageReport]:
    """The last first."""
    statement = select(reports).where(reports.c.customer == customer).order_by(reports.c.at.desc(), reports.c.id)
    return [report_of(row) for row in connection.execute(statement.limit(limit))]


def report_of(row: Row[*tuple[object, ...]]) -> MessageReport:
    return MessageReport(
        id=row.id.removeprefix(f"{row.provider}:"),
        provider=row.provider,
        what=row.what,
        bounce=row.bounce,
        machine=row.machine,
        message=row.message,
        address=row.address,
        at=row.at,
        raw=row.raw,
    )
