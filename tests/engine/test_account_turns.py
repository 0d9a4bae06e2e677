"""An account's step reaches its contacts through turns on a real store, however often they run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnReply, TurnRequest
from activities.turns import StoreTurns
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CustomerEvent, EffectEnded, Outcome, TraitsChanged
from perennia.store.port import Store
from perennia.store.records import Accepted, SendStatus
from tests.support.lives import TOPICS, documents
from tests.support.time_skipping import ManualClock

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BOOKS = """
playbook: kickoff
scope: account
topic: tips
enter: {on: [{event: Contract Signed}]}
steps:
  - {id: invite, email: hello, to: {role: admin}}
  - {id: each, enroll: first-steps, to: all, late_joiners: true}
  - {task: Done}
  - wait: 1d
---
playbook: first-steps
steps: [{milestone: begun}, {emit: Begun}]
"""


@pytest.fixture
def turns(store: Store) -> StoreTurns:
    return StoreTurns(store, ManualClock(START))


async def take(turns: StoreTurns, customer: str) -> TurnReply:
    return await ActivityEnvironment().run(turns.take, TurnRequest(customer))


def contact(who: str, *roles: str) -> Accepted:
    told = TraitsChanged(at=START, traits={"email": f"{who}@example.com", "roles": list(roles)})
    return Accepted(message_id=f"{who} {roles}", kind="contact", external_id=who, account="acme", input=told)


async def signed(store: Store) -> tuple[str, str, str]:
    """The account and two contacts, ana an admin, after the contract was signed; nobody has taken a turn."""
    published = documents(TOPICS + "\n---\n" + BOOKS)
    before = await store.current_revision()
    assert before is not None
    await store.publish(published, compile_catalog("r1", published).triggers(), START, "test", before.id)
    event = CustomerEvent(at=START, name="Contract Signed")
    signed = Accepted(message_id="signed", kind="account", external_id="acme", input=event)
    await store.accept([contact("ana", "admin"), contact("bo"), signed], START)
    return await store.find("acme"), await store.find("ana"), await store.find("bo")


async def acts(store: Store, customer: str) -> list[tuple[str, str]]:
    return [(row.entry.act, row.entry.code) for row in await store.journal(customer)]


async def test_a_message_to_a_role_is_sent_by_the_contact_once_however_often_turns_run(
    store: Store, turns: StoreTurns
) -> None:
    acme, ana, bo = await signed(store)

    for _ in range(2):
        assert (await take(turns, acme)).effects == ()
    sent = [(await take(turns, ana)).effects for _ in range(2)]

    assert [each.key for each in sent[0]] == [f"{ana}/{acme}:kickoff.1:invite:1/invite/1"]
    assert sent[1] == sent[0]
    assert (await take(turns, bo)).effects == ()


async def test_an_account_goes_on_when_its_contact_has_reported_and_takes_later_ones_along(
    store: Store, turns: StoreTurns
) -> None:
    acme, ana, bo = await signed(store)
    await take(turns, acme)
    (message,) = (await take(turns, ana)).effects
    ended = EffectEnded(at=START, key=message.key, outcome=Outcome.SENT)
    await store.end_message(message.key, SendStatus.SENT, ended, "test", None)

    for customer in (ana, acme, ana, bo, acme):
        await take(turns, customer)
    cy = contact("cy")
    receipt = await store.accept([cy], START)
    for customer in (acme, await store.find("cy")):
        await take(turns, customer)

    assert ("step_ended", "sent") in await acts(store, acme)
    assert [task.title for task in await store.tasks(acme)] == ["Done"]
    assert [await acts(store, who) for who in (bo, await store.find("cy"))] == 2 * [
        [("entered", "entered"), ("step_ended", "done"), ("step_ended", "done"), ("ended", "completed")]
    ]
    assert acme in receipt.rung
