"""Consents. What was said is kept with its proof, and its history is never written over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from perennia.core.consent import ASK_EVERY, CONFIRM_WITHIN, address_mark
from perennia.core.decisions import Act, ConsentAsked, JournalEntry
from perennia.core.deliberation import PERMISSION
from perennia.core.json_values import JsonObject
from perennia.store.arrivals import current_triggers
from perennia.store.audit_log import write_audit
from perennia.store.bells import ring_those
from perennia.store.bodies import body, object_of, storable
from perennia.store.driver import insert_into
from perennia.store.journaling import write_journal
from perennia.store.orders import place_order
from perennia.store.outbound_records import OutboundEvent, OutboundType
from perennia.store.outbox import tell_of
from perennia.store.page import lock_customer
from perennia.store.permission_records import ConsentLink, ConsentOutcome, ConsentRecord, ConsentSaid, ConsentStanding
from perennia.store.port import UnknownCustomer
from perennia.store.records import AuditEntry
from perennia.store.tables import consent_asks, consent_records, consents, customers

CONFIRMED = "confirmed"


def consents_of(connection: Connection, customer: str) -> dict[str, bool]:
    """`Store.consents`."""
    said = select(consents.c.topic, consents.c.given).where(consents.c.customer == _living(connection, customer))
    return {row.topic: row.given for row in connection.execute(said)}


def _living(connection: Connection, customer: str) -> str:
    """Who the customer is by now: links in old messages name the one that was merged into another since."""
    living = select(func.coalesce(customers.c.merged_into, customers.c.id)).where(
        customers.c.id == customer, customers.c.erased_at.is_(None)
    )
    found = connection.scalar(living)
    if found is None:
        raise UnknownCustomer(f"no customer with the internal id {customer!r}")
    return found


def say(connection: Connection, customer: str, said: ConsentSaid) -> ConsentOutcome:
    """`Store.say_consent`, under the customer's lock: a turn sees all of it or nothing."""
    customer = _living(connection, customer)
    lock_customer(connection, customer)
    before = _given(connection, customer, said.topic)
    if _is_outdated(connection, customer, said):
        return ConsentOutcome.UNCHANGED
    if said.given and before is not True and not said.proven and said.topic in current_triggers(connection).confirmed:
        return _ask(connection, customer, said)
    was_open = _close_ask(connection, customer, said.topic)
    if before is said.given and not (was_open and not said.given):
        if said.given and (said.text or said.proof):
            _record(connection, customer, said, "given")
        return ConsentOutcome.UNCHANGED
    _set(connection, customer, said)
    return ConsentOutcome.GIVEN if said.given else ConsentOutcome.WITHDRAWN


def confirm(connection: Connection, link: ConsentLink, at: datetime, proof: JsonObject) -> bool:
    """`Store.confirm_consent`."""
    customer = _living(connection, link.customer)
    address = lock_customer(connection, customer).address or ""
    if at >= link.asked_at + CONFIRM_WITHIN or link.mark != address_mark(link.customer, link.topic, address):
        return False
    is_open = connection.scalar(select(consent_asks.c.open).where(_is_ask(customer, link.topic)))
    if not is_open:
        return is_open is False and _given(connection, customer, link.topic) is True
    _close_ask(connection, customer, link.topic)
    asked = next((each for each in _history(connection, customer, link.topic) if each.act == "asked"), None)
    text = None if asked is None else asked.text
    said = ConsentSaid(topic=link.topic, given=True, at=at, source=CONFIRMED, text=text, proof=proof, proven=True)
    if _given(connection, customer, link.topic) is not True:
        _set(connection, customer, said)
    return True


def standings(connection: Connection, customer: str, now: datetime) -> list[ConsentStanding]:
    """`Store.consent_standings`."""
    customer = _living(connection, customer)
    found = {
        row.topic: ConsentStanding(
            topic=row.topic, state="given" if row.given else "withdrawn", at=row.at, source=row.source
        )
        for row in connection.execute(select(consents).where(consents.c.customer == customer))
    }
    asks = select(consent_asks).where(consent_asks.c.customer == customer, consent_asks.c.open)
    for row in connection.execute(asks):
        until = row.mailed_at + CONFIRM_WITHIN
        if now < until:
            asked = next(each for each in _history(connection, customer, row.topic) if each.act == "asked")
            pending = ConsentStanding(topic=row.topic, state="pending", at=asked.at, source=asked.source, until=until)
            found[row.topic] = pending
    return [found[topic] for topic in sorted(found)]


def history(connection: Connection, customer: str) -> list[ConsentRecord]:
    """`Store.consent_records`."""
    return _history(connection, _living(connection, customer))


def _history(connection: Connection, customer: str, topic: str | None = None) -> list[ConsentRecord]:
    """The last first."""
    statement = select(consent_records).where(consent_records.c.customer == customer)
    if topic is not None:
        statement = statement.where(consent_records.c.topic == topic)
    return [
        ConsentRecord(
            topic=row.topic, act=row.act, at=row.at, source=row.source, text=row.text, proof=object_of(row.proof)
        )
        for row in connection.execute(statement.order_by(consent_records.c.id.desc()))
    ]


def _is_outdated(connection: Connection, customer: str, said: ConsentSaid) -> bool:
    """Whether something was said since: an old list that is imported again takes nothing back."""
    is_this = (consents.c.customer == customer) & (consents.c.topic == said.topic)
    last = connection.scalar(select(consents.c.at).where(is_this))
    return last is not None and said.at < last


def _given(connection: Connection, customer: str, topic: str) -> bool | None:
    is_this = (consents.c.customer == customer) & (consents.c.topic == topic)
    return connection.scalar(select(consents.c.given).where(is_this))


def _set(connection: Connection, customer: str, said: ConsentSaid) -> None:
    given = {"given": said.given, "at": said.at, "source": said.source}
    statement = insert_into(connection, consents).values(customer=customer, topic=said.topic, **given)
    connection.execute(statement.on_conflict_do_update(index_elements=["customer", "topic"], set_=given))
    _record(connection, customer, said, "given" if said.given else "withdrawn")
    if not said.given:
        ring_held(connection, customers.c.id == customer, said.at)


def _record(connection: Connection, customer: str, said: ConsentSaid, act: str) -> None:
    """In the history, with the proof; in the journal, for `why`; in the audit log."""
    kept = {"topic": said.topic, "act": act, "at": said.at, "source": storable(said.source)}
    text = None if said.text is None else storable(said.text)
    row = insert(consent_records).values(customer=customer, **kept, text=text, proof=body(said.proof))
    connection.execute(row)
    told: JsonObject = {"topic": said.topic, "source": said.source, "text": said.text}
    write_journal(connection, customer, [JournalEntry(at=said.at, act=Act.CONSENT, code=act, detail=told)])
    if act != "asked":
        changed: JsonObject = {"topic": said.topic, "given": said.given, "source": said.source}
        tell_of(connection, customer, OutboundEvent(type=OutboundType.CONSENT_CHANGED, at=said.at, data=changed))
    detail: JsonObject = {"topic": said.topic, "given": said.given}
    entry = AuditEntry(at=said.at, by=said.by or said.source, action="consent", subject=customer, detail=detail)
    write_audit(connection, entry)


# --- consent that is to be confirmed --------------------------------------------------------------------------------


def _ask(connection: Connection, customer: str, said: ConsentSaid) -> ConsentOutcome:
    """Has the customer's next turn write to the address, unless that was done less than `ASK_EVERY` ago."""
    known = connection.execute(select(consent_asks).where(_is_ask(customer, said.topic))).one_or_none()
    if known is not None and said.at < known.mailed_at + ASK_EVERY:
        if not known.open:
            connection.execute(update(consent_asks).where(_is_ask(customer, said.topic)).values(open=True))
            _record(connection, customer, said, "asked")
        return ConsentOutcome.WAITING
    ask = {"mailed_at": said.at, "open": True}
    statement = insert_into(connection, consent_asks).values(customer=customer, topic=said.topic, **ask)
    connection.execute(statement.on_conflict_do_update(index_elements=["customer", "topic"], set_=ask))
    _record(connection, customer, said, "asked")
    place_order(connection, customer, ConsentAsked(at=said.at, topic=said.topic))
    return ConsentOutcome.ASKED


def _close_ask(connection: Connection, customer: str, topic: str) -> bool:
    """Whether one waited to be confirmed."""
    close = update(consent_asks).where(_is_ask(customer, topic), consent_asks.c.open).values(open=False)
    return connection.execute(close).rowcount == 1


def _is_ask(customer: str, topic: str) -> ColumnElement[bool]:
    return (consent_asks.c.customer == customer) & (consent_asks.c.topic == topic)


def ring_held(connection: Connection, who: ColumnElement[bool], at: datetime) -> None:
    """Those for whom a message is held are looked at now, not only when it could leave."""
    waits = customers.c.watching.contains(f'"{PERMISSION}"')
    ring_those(connection, who & waits, at)
