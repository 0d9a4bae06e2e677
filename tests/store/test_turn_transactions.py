from __future__ import annotations

import asyncio
import threading

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from perennia.core.decisions import (
    Act,
    CustomerEvent,
    EffectEnded,
    JournalEntry,
    OpenTask,
    Outcome,
    SurveyAnswered,
    TaskEnded,
)
from perennia.core.documents import Triggers
from perennia.store import SqlStore
from perennia.store.page import PAGE
from perennia.store.port import UnknownCustomer
from perennia.store.records import (
    NeedsHistory,
    NewTask,
    SendStatus,
    TurnSnapshot,
    TurnWrite,
)
from tests.support.posts import (
    AT,
    Turn,
    document,
    email,
    enrolled,
    event,
    later,
    settle,
    state_of,
    take_turn,
    traits,
    trigger,
    write,
)


async def start(store: SqlStore, who: str = "ann") -> str:
    """A customer with one event. Returns the internal id."""
    await store.accept([event(f"first-{who}", who, "First")], AT)
    return await store.find(who)


def task(customer: str) -> NewTask:
    return NewTask(
        key=f"{customer}/welcome.1/call/1",
        playbook="welcome",
        enrollment="welcome.1",
        title="Call Ann",
        body="She has 20 seats",
        assignee="kim@team.io",
        due=later(days=1),
        priority="high",
        at=AT,
    )


# --- what a turn sees -----------------------------------------------------------------------------------------------


async def test_a_first_turn_sees_no_state_and_the_current_revision(store: SqlStore) -> None:
    await start(store)
    published = await store.publish([document("p")], Triggers(), AT, "test", None)

    seen = await take_turn(store, "ann")

    assert (seen.state, seen.revision, seen.first_seen, seen.kind) == (None, published.revision.id, AT, "contact")


async def test_the_next_turn_sees_the_state_that_was_written(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", plan="pro")], AT)
    await take_turn(store, "ann")

    state = (await take_turn(store, "ann")).state

    assert state is not None
    assert state.facts.traits == {"plan": "pro"}


async def test_a_turn_of_nobody_is_an_unknown_customer(store: SqlStore) -> None:
    with pytest.raises(UnknownCustomer):
        await store.turn("contact-nobody", Turn())


async def test_inputs_come_a_page_at_a_time(store: SqlStore) -> None:
    await store.accept([event(f"m{n}", "ann", f"{n}") for n in range(PAGE + 3)], AT)
    ann = await store.find("ann")
    turn = Turn()

    first = await store.turn(ann, turn)
    second = await store.turn(ann, turn)

    assert [len(each.inputs) for each in turn.seen] == [PAGE, 3]
    assert (first.unread, second.unread) == (True, False)


async def test_the_recipient_is_as_the_inputs_at_hand_tell(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email=" Ann@X.io ")], AT)
    ann = await store.find("ann")
    await store.suppress("ann@x.io", "bounced", AT)
    await store.consent(ann, "tips", given=True, at=AT, source="form")

    recipient = (await take_turn(store, "ann")).recipient

    assert (recipient.address, recipient.suppressed, recipient.consents) == ("Ann@X.io", True, {"tips": True})


async def test_an_address_that_was_removed_is_no_address(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    await take_turn(store, "ann")
    await store.accept([traits("m2", "ann", email=None)], AT)

    assert (await take_turn(store, "ann")).recipient.address is None


async def test_a_new_address_is_not_suppressed_for_the_old_ones_sake(store: SqlStore) -> None:
    await store.suppress("old@x.io", "bounced", AT)
    await store.accept([traits("m1", "ann", email="old@x.io"), traits("m2", "ann", email="new@x.io")], AT)

    recipient = (await take_turn(store, "ann")).recipient

    assert (recipient.address, recipient.suppressed) == ("new@x.io", False)


async def test_a_turn_that_needs_history_is_asked_again_with_events_read_before(store: SqlStore) -> None:
    await store.accept([event("m1", "ann", "Bought"), event("m2", "ann", "Viewed")], AT)
    await settle(store, "ann")
    await store.accept([event("m3", "ann", "Bought")], AT)

    def ask(snapshot: TurnSnapshot) -> TurnWrite | NeedsHistory:
        return NeedsHistory(("Bought",)) if snapshot.history is None else write(snapshot)

    turn = Turn(ask)
    await store.turn(await store.find("ann"), turn)

    assert turn.seen[-1].history == (CustomerEvent(at=AT, seq=1, name="Bought"),)
    assert turn.inputs == (CustomerEvent(at=AT, seq=3, name="Bought"),)


# --- what it writes -------------------------------------------------------------------------------------------------


async def test_a_new_effect_stays_open_until_it_is_closed(store: SqlStore) -> None:
    ann = await start(store)
    effect = email(ann)

    opened = await store.turn(ann, lambda snapshot: write(snapshot, effect, wake_at=later(days=1)))
    again = await store.turn(ann, lambda snapshot: write(snapshot, wake_at=later(days=1)))
    closed = await store.turn(ann, lambda snapshot: write(snapshot, closed=(effect.key,)))

    assert (opened.effects, opened.wake_at) == ((effect,), later(days=1))
    assert (again.effects, again.wake_at) == ((effect,), later(days=1))
    assert (closed.effects, closed.wake_at) == ((), None)


async def test_a_turn_with_nothing_new_changes_nothing(store: SqlStore) -> None:
    ann = await start(store)
    effect = email(ann)
    first = await store.turn(ann, lambda snapshot: write(snapshot, effect, wake_at=later(days=1)))
    before = (await store.customer(ann), await store.messages(ann), await store.journal(ann))

    for _ in range(3):
        assert await store.turn(ann, lambda snapshot: write(snapshot, wake_at=later(days=1))) == first

    assert (await store.customer(ann), await store.messages(ann), await store.journal(ann)) == before


async def test_a_turn_that_answers_none_clears_the_bell_and_reads_nothing(store: SqlStore) -> None:
    ann = await start(store)

    await store.turn(ann, lambda _: None)

    assert await store.rung(10) == []
    assert await store.cursor(ann) == 0
    assert len((await take_turn(store, "ann")).inputs) == 1


async def test_a_turn_that_raises_leaves_everything_as_it_was(store: SqlStore) -> None:
    ann = await start(store)

    def fail(_: TurnSnapshot) -> TurnWrite:
        raise ZeroDivisionError("in the middle")

    with pytest.raises(ZeroDivisionError, match="in the middle"):
        await store.turn(ann, fail)

    assert await store.rung(10) == [ann]
    assert await store.cursor(ann) == 0
    assert (await store.customer(ann))[1] is None


async def test_a_key_that_is_emitted_twice_fails_loudly_and_sends_nothing(store: SqlStore) -> None:
    ann = await start(store)
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))

    with pytest.raises(IntegrityError):
        await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))

    assert len(await store.messages(ann)) == 1


async def test_the_cursor_passes_what_a_turn_has_read(store: SqlStore) -> None:
    ann = await start(store)
    seq = await store.place_order(ann, TaskEnded(at=AT, key="k", outcome="done"))

    before = await store.cursor(ann)
    await settle(store, "ann")

    assert (before, seq, await store.cursor(ann)) == (0, 2, 2)


async def test_an_order_with_a_message_id_is_taken_once(store: SqlStore) -> None:
    ann = await start(store)
    answer = SurveyAnswered(at=AT, survey="nps", score=9)

    placed = [await store.place_order(ann, answer, "call-17") for _ in range(2)]
    snapshot = await take_turn(store, "ann")

    assert placed == [2, 2]
    assert [each for each in snapshot.inputs if isinstance(each, SurveyAnswered)] == [
        SurveyAnswered(at=AT, seq=2, survey="nps", score=9)
    ]


async def test_journal_entries_come_back_in_their_order(store: SqlStore) -> None:
    ann = await start(store)
    entries = tuple(JournalEntry(at=AT, act=Act.STAGE, code=f"stage-{n}") for n in range(12))

    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), journal=entries))

    assert [row.entry for row in await store.journal(ann)] == list(entries)
    assert [row.entry.code for row in await store.journal(ann, limit=2)] == ["stage-10", "stage-11"]


async def test_an_effect_that_is_no_message_leaves_no_ledger_row(store: SqlStore) -> None:
    ann = await start(store)
    opened = OpenTask(
        key=f"{ann}/welcome.1/call/1",
        at=AT,
        playbook="welcome",
        version="v1",
        enrollment="welcome.1",
        step="call",
        priority=50,
        title="Call",
        body=None,
        assignee=None,
        due=None,
        task_priority="normal",
        context={},
    )

    outcome = await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), effects=(opened,)))

    assert outcome.effects == (opened,)
    assert await store.messages(ann) == []


async def test_a_task_is_opened_and_ended_by_the_person_who_did_it(store: SqlStore) -> None:
    ann = await start(store)
    call = task(ann)
    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), tasks=(call,)))
    (before,) = await store.tasks(status="open")

    done = TaskEnded(at=later(hours=1), key=call.key, outcome="done", result="reached", by="kim")
    customer, seq = await store.place_order_at_task(call.key, done)
    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), closed_tasks=(call.key,)))
    (after,) = await store.tasks(ann)

    assert (customer, seq) == (ann, 2)
    assert (before.title, before.due, before.external_id, before.status) == ("Call Ann", later(days=1), "ann", "open")
    assert (after.status, after.result, after.ended_at) == ("done", "reached", later(hours=1))
    assert await store.tasks(status="open") == []


async def test_a_task_that_nobody_ended_is_cancelled(store: SqlStore) -> None:
    ann = await start(store)
    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), tasks=(task(ann),)))

    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot), closed_tasks=(task(ann).key,)))

    (cancelled,) = await store.tasks(ann)
    assert cancelled.status == "cancelled"


async def test_an_order_at_an_unknown_task_is_refused(store: SqlStore) -> None:
    with pytest.raises(UnknownCustomer, match="no task 'nothing'"):
        await store.place_order_at_task("nothing", TaskEnded(at=AT, key="nothing", outcome="done"))


async def test_an_order_rings(store: SqlStore) -> None:
    ann = await start(store)
    await settle(store, "ann")

    await store.place_order(ann, TaskEnded(at=AT, key="k", outcome="done"))

    assert await store.rung(10) == [ann]


# --- what leaves the ledger with a turn -----------------------------------------------------------------------------


async def test_a_withdrawn_message_is_skipped_for_the_reason_its_enrollment_ended(store: SqlStore) -> None:
    ann = await start(store)
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    ended = JournalEntry(at=AT, act=Act.ENDED, code="goal_reached", enrollment="welcome.1")

    await store.turn(
        ann,
        lambda snapshot: msgspec.structs.replace(write(snapshot, closed=(email(ann).key,)), journal=(ended,)),
    )

    (message,) = await store.messages(ann)
    assert (message.status, message.reason) == (SendStatus.SKIPPED, "goal_reached")


@pytest.mark.parametrize(("claimed", "status"), [(False, SendStatus.FAILED), (True, SendStatus.UNKNOWN)])
async def test_a_message_whose_activity_gave_up_has_failed_or_nobody_knows(
    store: SqlStore, status: SendStatus, *, claimed: bool
) -> None:
    ann = await start(store)
    key = email(ann).key
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    if claimed:
        await store.claim_message(key, AT)
    failed = JournalEntry(
        at=AT, act=Act.STEP_ENDED, code="failed", reason="timed_out", enrollment="welcome.1", step="hello"
    )

    await store.turn(ann, lambda snapshot: msgspec.structs.replace(write(snapshot, closed=(key,)), journal=(failed,)))

    (message,) = await store.messages(ann)
    assert (message.status, message.reason) == (status, "timed_out")


async def test_a_message_under_way_when_it_is_withdrawn_tells_its_own_end(store: SqlStore) -> None:
    ann = await start(store)
    key = email(ann).key
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    await store.claim_message(key, AT)
    await store.turn(ann, lambda snapshot: write(snapshot, closed=(key,)))

    await store.end_message(key, SendStatus.SENT, EffectEnded(at=AT, key=key, outcome=Outcome.SENT), "smtp", None)

    (message,) = await store.messages(ann)
    assert message.status is SendStatus.SENT


# --- turns and posts at the same time -------------------------------------------------------------------------------


async def test_no_event_falls_between_a_turns_reading_and_its_clearing_of_the_bell(
    store: SqlStore, neighbour: SqlStore
) -> None:
    await trigger(store, "Clicked")
    ann = await start(store)
    posted: list[asyncio.Task[object]] = []
    loop = asyncio.get_running_loop()
    begun = threading.Event()

    def post_meanwhile() -> None:
        posted.append(loop.create_task(neighbour.accept([event("m2", "ann", "Clicked")], AT)))
        begun.set()

    def slow(snapshot: TurnSnapshot) -> TurnWrite:
        # SQLite: in the writer's thread; PostgreSQL: in the loop's own, where the post begins once the turn awaits again.
        loop.call_soon_threadsafe(post_meanwhile)
        if threading.current_thread() is not threading.main_thread():
            begun.wait(10)
        return write(snapshot)

    await store.turn(ann, slow)
    await asyncio.gather(*posted)

    assert await store.rung(10) == [ann]
    assert [getattr(each, "name", None) for each in (await take_turn(store, "ann")).inputs] == ["Clicked"]


async def test_turns_and_posts_of_one_customer_lose_no_event_and_read_none_twice(
    store: SqlStore, neighbour: SqlStore
) -> None:
    ann = await start(store)
    read: list[int] = []

    def note(snapshot: TurnSnapshot) -> TurnWrite:
        read.extend(each.seq for each in snapshot.inputs)
        return write(snapshot)

    async def post() -> None:
        for n in range(25):
            await neighbour.accept([event(f"m{n}", "ann")], AT)

    async def turns() -> None:
        for _ in range(25):
            await store.turn(ann, note)

    await asyncio.gather(post(), turns())
    await store.turn(ann, note)

    assert read == list(range(1, 27))


async def test_two_turns_of_one_customer_at_once_release_each_effect_once(store: SqlStore, neighbour: SqlStore) -> None:
    ann = await start(store)

    def release(snapshot: TurnSnapshot) -> TurnWrite:
        new = () if state_of(snapshot).enrollments else (email(ann),)
        return write(snapshot, *new, state=enrolled(snapshot))

    outcomes = await asyncio.gather(*(each.turn(ann, release) for each in (store, neighbour, store, neighbour)))

    assert all(outcome.effects == (email(ann),) for outcome in outcomes)
    assert len(await store.messages(ann)) == 1
