"""Short words for what ingest hands to a store, and for turns that write something plain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from perennia.core.decisions import (
    AccountTraitsChanged,
    ContactChanged,
    CustomerEvent,
    Input,
    SendEmail,
    Telling,
    TraitsChanged,
)
from perennia.core.documents import Document, Triggers, content_hash
from perennia.core.facts import Facts
from perennia.core.json_values import Json
from perennia.core.state import CustomerState, Enrollment
from perennia.store.port import Store
from perennia.store.records import Accepted, Merge, NeedsHistory, TurnSnapshot, TurnWrite

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def later(**span: int) -> datetime:
    return AT + timedelta(**span)


# --- what ingest hands over -----------------------------------------------------------------------------------------


def event(message_id: str, who: str | None, name: str = "Viewed", **properties: Json) -> Accepted:
    return Accepted(
        message_id=message_id,
        kind="contact",
        external_id=who,
        input=CustomerEvent(at=AT, name=name, properties=properties),
    )


def of_device(message_id: str, device: str, name: str = "Viewed", who: str | None = None) -> Accepted:
    """An event with an anonymous id, and whose it is where that is known."""
    return Accepted(
        message_id=message_id,
        kind="contact",
        external_id=who,
        anonymous_id=device,
        input=CustomerEvent(at=AT, name=name),
    )


def traits(message_id: str, who: str, **changes: Json) -> Accepted:
    return Accepted(message_id=message_id, kind="contact", external_id=who, input=TraitsChanged(at=AT, traits=changes))


def account_traits(message_id: str, account: str, **changes: Json) -> Accepted:
    return Accepted(
        message_id=message_id, kind="account", external_id=account, input=TraitsChanged(at=AT, traits=changes)
    )


def member(message_id: str, who: str, account: str) -> Accepted:
    return Accepted(message_id=message_id, kind="contact", external_id=who, account=account)


def merged(previous: str, into: str, message_id: str = "merge") -> Merge:
    return Merge(message_id=message_id, at=AT, previous_id=previous, external_id=into)


# --- turns ----------------------------------------------------------------------------------------------------------


def state_of(snapshot: TurnSnapshot) -> CustomerState:
    """The snapshot's state, or a new customer's."""
    return snapshot.state or CustomerState(
        customer=snapshot.customer,
        kind=snapshot.kind,
        now=AT,
        facts=Facts(ref=snapshot.external_id, first_seen=snapshot.first_seen),
    )


def write(
    snapshot: TurnSnapshot,
    *effects: SendEmail,
    state: CustomerState | None = None,
    wake_at: datetime | None = None,
    watching: tuple[str, ...] = (),
    closed: tuple[str, ...] = (),
) -> TurnWrite:
    """A turn that absorbs traits and otherwise does what it is told."""
    state = state or state_of(snapshot)
    for each in snapshot.inputs:
        if isinstance(each, TraitsChanged):
            state.facts.traits |= each.traits
    return TurnWrite(
        state=state,
        effects=effects,
        closed=closed,
        tasks=(),
        closed_tasks=(),
        journal=(),
        wake_at=wake_at,
        watching=watching,
    )


class Turn:
    """A turn that remembers what it saw and writes what `write` makes of it, or what ``then`` does."""

    def __init__(self, then: Callable[[TurnSnapshot], TurnWrite | NeedsHistory | None] = write) -> None:
        self._then = then
        self.seen: list[TurnSnapshot] = []

    def __call__(self, snapshot: TurnSnapshot) -> TurnWrite | NeedsHistory | None:
        self.seen.append(snapshot)
        return self._then(snapshot)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.seen[-1].inputs


async def take_turn(store: Store, who: str, kind: str | None = None) -> TurnSnapshot:
    """A plain turn of the customer with this external id. Returns what it saw."""
    turn = Turn()
    await store.turn(await store.find(who, "account" if kind == "account" else None), turn)
    return turn.seen[-1]


async def settle(store: Store, *who: str) -> None:
    """Gives everybody a plain turn, so that no bell is set."""
    for each in who:
        await take_turn(store, each)


def email(customer: str, step: str = "hello", enrollment: str = "welcome.1") -> SendEmail:
    return SendEmail(
        key=f"{customer}/{enrollment}/{step}/1",
        at=AT,
        playbook="welcome",
        version="v1",
        enrollment=enrollment,
        step=step,
        priority=50,
        recipient="contact",
        template="hello",
        template_version="t1",
        topic="tips",
        transactional=False,
        sender=None,
        context={},
    )


def enrolled(snapshot: TurnSnapshot, version: str = "v1", *, paused: bool = False) -> CustomerState:
    """The snapshot's state with an enrollment ``welcome.1`` at the step ``hello``."""
    state = state_of(snapshot)
    state.enrollments = [
        Enrollment(
            id="welcome.1", playbook="welcome", version=version, started=AT, step="hello", base=AT, paused=paused
        )
    ]
    return state


# --- the catalog ----------------------------------------------------------------------------------------------------


def document(name: str, text: str = "{}") -> Document:
    return Document(kind="playbook", id=name, version=content_hash(text), body=text)


async def trigger(store: Store, *names: str, prefixes: tuple[str, ...] = ()) -> None:
    """Publishes a revision that these event names trigger. Rings everybody."""
    current = await store.current_revision()
    body = f'{{"triggers": "{names} {prefixes}"}}'
    triggers = Triggers(names=names, prefixes=prefixes)
    expected = None if current is None else current.id
    await store.publish([document("triggers", body)], triggers, AT, "test", expected)


# --- what customers are told of each other ---------------------------------------------------------------------------


def news_to(contact: str) -> Telling:
    return Telling(to=contact, input=AccountTraitsChanged(at=AT, account="acme", traits={"plan": "team"}))


def joined(who: str, contact: str, seq: int, *roles: str) -> ContactChanged:
    return ContactChanged(at=AT, seq=seq, contact=contact, ref=who, roles=roles)


def names(snapshot: TurnSnapshot) -> list[str]:
    return [each.name for each in snapshot.inputs if isinstance(each, CustomerEvent)]
