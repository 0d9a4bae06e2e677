from __future__ import annotations

import msgspec
import pytest

from perennia.core.decisions import Act, EffectEnded, JournalEntry, Outcome
from perennia.core.state import StageState
from perennia.store import SqlStore
from perennia.store.port import UnknownCustomer
from perennia.store.records import AuditEntry, NewTask, SendStatus, TurnSnapshot, TurnWrite
from tests.support.posts import (
    AT,
    account_traits,
    email,
    enrolled,
    event,
    later,
    member,
    of_device,
    state_of,
    traits,
    write,
)


async def test_a_customer_is_found_by_its_external_and_its_internal_id(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)

    internal = await store.find("ann")

    assert await store.find(internal) == internal


async def test_a_contact_comes_before_an_account_of_the_same_name(store: SqlStore) -> None:
    await store.accept([account_traits("m1", "acme"), event("m2", "acme")], AT)

    assert (await store.find("acme")).startswith("contact-")
    assert (await store.find("acme", "account")).startswith("account-")


async def test_who_is_not_there_is_unknown(store: SqlStore) -> None:
    for look in (store.find("nobody"), store.customer("nobody"), store.cursor("nobody")):
        with pytest.raises(UnknownCustomer, match="nobody"):
            await look


async def test_a_summary_says_where_a_customer_stands(store: SqlStore) -> None:
    await store.accept([member("m1", "ann", "acme"), traits("m2", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")

    def stand(snapshot: TurnSnapshot) -> TurnWrite:
        state = enrolled(snapshot)
        state.stages = {"adoption": StageState(stage="new", since=AT)}
        return write(snapshot, state=state, wake_at=later(days=1))

    await store.turn(ann, stand)
    summary, state = await store.customer(ann)

    assert (summary.external_id, summary.account, summary.email) == ("ann", "acme", "ann@x.io")
    assert (summary.stages, summary.enrollments) == ({"adoption": "new"}, ("welcome",))
    assert (summary.wake_at, summary.first_seen) == (later(days=1), AT)
    assert state is not None
    assert state.enrollments[0].id == "welcome.1"


async def test_customers_are_listed_page_by_page_in_the_order_they_came(store: SqlStore) -> None:
    for n in range(5):
        await store.accept([event(f"m{n}", f"contact-{n}")], later(minutes=n))

    first = await store.customers(limit=2)
    second = await store.customers(limit=2, after=first[-1].id)
    third = await store.customers(limit=2, after=second[-1].id)

    assert [each.external_id for each in (*first, *second, *third)] == [f"contact-{n}" for n in range(5)]


async def test_totals_count_what_was_accepted_decided_and_sent(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email="a@x.io"), event("m2", "ann"), event("m3", "bob")], AT)
    await store.accept([of_device("m4", "phone"), event("m2", "ann")], AT)
    ann, bob = await store.find("ann"), await store.find("bob")

    def life(snapshot: TurnSnapshot, *entries: JournalEntry) -> TurnWrite:
        state = state_of(snapshot)
        state.stages = {"adoption": StageState(stage="new", since=AT)}
        return msgspec.structs.replace(write(snapshot, email(snapshot.customer), state=state), journal=entries)

    entered = JournalEntry(at=AT, act=Act.ENTERED, code="event", playbook="welcome")
    ended = JournalEntry(at=AT, act=Act.ENDED, code="completed", playbook="welcome")
    skipped = JournalEntry(at=AT, act=Act.STEP_ENDED, code="skipped", reason="no_consent", playbook="welcome")
    await store.turn(ann, lambda snapshot: life(snapshot, entered, entered, ended))
    await store.turn(bob, lambda snapshot: life(snapshot, entered, skipped))
    key = email(ann).key
    await store.end_message(key, SendStatus.SENT, EffectEnded(at=AT, key=key, outcome=Outcome.SENT), "smtp", None)

    totals = await store.totals()

    assert (totals.customers, totals.events, totals.tasks_open) == (2, 4, 0)
    assert totals.messages == {"reserved": 1, "sent": 1}
    assert totals.skipped == {"no_consent": 1}
    assert totals.enrollments == {"welcome": {"active": 2, "completed": 1}}
    assert totals.stages == {"adoption": {"new": 2}}


async def test_totals_of_an_empty_store_are_zero(store: SqlStore) -> None:
    totals = await store.totals()

    assert (totals.customers, totals.events, totals.messages, totals.stages) == (0, 0, {}, {})


async def test_tasks_are_filtered_by_customer_and_status(store: SqlStore) -> None:
    await store.accept([event("m1", "ann"), event("m2", "bob")], AT)
    for minute, who in enumerate(("ann", "bob")):
        customer = await store.find(who)
        opened = NewTask(
            key=f"{customer}/p.1/call/1",
            playbook="p",
            enrollment="p.1",
            title=f"Call {who}",
            body=None,
            assignee=None,
            due=None,
            priority="normal",
            at=later(minutes=minute),
        )
        await store.turn(
            customer, lambda snapshot, opened=opened: msgspec.structs.replace(write(snapshot), tasks=(opened,))
        )

    assert [each.title for each in await store.tasks()] == ["Call bob", "Call ann"]
    assert [each.title for each in await store.tasks(await store.find("ann"))] == ["Call ann"]
    assert await store.tasks(status="done") == []
    assert (await store.totals()).tasks_open == 2


async def test_an_audit_entry_is_kept(store: SqlStore) -> None:
    await store.audit(AuditEntry(at=AT, by="kim", action="publish", subject="1", detail={"documents": 3}))


async def test_words_are_the_events_that_came_and_the_traits_that_customers_have(store: SqlStore) -> None:
    await store.accept([event("m1", "ann"), account_traits("m2", "acme")], AT)
    for name in ("ann", "acme"):

        def told(snapshot: TurnSnapshot, name: str = name) -> TurnWrite:
            state = enrolled(snapshot)
            state.facts.traits = {f"trait of {name}": 1}
            return write(snapshot, state=state)

        await store.turn(await store.find(name), told)

    words = await store.words()

    assert words.events == {"Viewed"}
    assert (words.contact_traits, words.account_traits) == ({"trait of ann"}, {"trait of acme"})


async def test_a_journal_is_filtered_before_it_is_cut(store: SqlStore) -> None:
    await store.accept([event("m1", "ann")], AT)
    ann = await store.find("ann")
    told = [JournalEntry(at=AT, act=Act.STEP_ENDED, code="done", playbook="hello", step="greet")]
    told += [JournalEntry(at=AT, act=Act.STEP_ENDED, code="done", playbook="hello", step="bye")]
    told += [JournalEntry(at=AT, act=Act.STAGE, code="new", detail={"track": "adoption"})]
    told += [JournalEntry(at=AT, act=Act.ENTERED, code="entered", playbook="noise")] * 5
    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), journal=tuple(told)))

    assert [row.entry.step for row in await store.journal(ann, 2, "hello")] == ["greet", "bye"]
    assert [row.entry.step for row in await store.journal(ann, 2, "hello", "greet")] == ["greet"]
    assert [row.entry.code for row in await store.journal(ann, 2, "adoption")] == ["new"]
