"""The outbox: what is written there, in whose transaction, for whom, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from activities.retention import Retention
from perennia.core.decisions import Act, EffectEnded, JournalEntry, Outcome
from perennia.core.json_values import JsonObject
from perennia.core.retention import Kept, parse_retention
from perennia.store import SqlStore
from perennia.store.outbound_records import Endpoint, PostOutcome
from perennia.store.privacy_records import Erasure
from perennia.store.records import MessageReport, SendStatus, TurnSnapshot, TurnWrite
from tests.support.posts import AT, email, enrolled, event, settle, write
from tests.support.time_skipping import ManualClock

LEASE = timedelta(minutes=2)


async def endpoint(store: SqlStore, id_: str = "ep_1", types: Sequence[str] = ()) -> None:
    made = Endpoint(
        id=id_, url="https://x.example", name="", types=tuple(types), tell=None, created_at=AT, created_by="kim"
    )
    await store.add_endpoint(made, "whsec_x")


async def told(store: SqlStore, id_: str = "ep_1") -> list[tuple[str, JsonObject]]:
    """What waits for the endpoint, by type, without what all have."""
    found: list[tuple[str, JsonObject]] = []
    for due in await store.due_events(AT + timedelta(days=1), LEASE, 100):
        if due.endpoint == id_:
            payload = msgspec.json.decode(due.body)
            data = {name: each for name, each in payload["data"].items() if name not in ("event", "customer")}
            assert payload["data"]["customer"] == {"kind": "contact", "id": "ann"}
            found.append((payload["type"], data))
    return sorted(found, key=lambda each: each[0])


ENTRIES = (
    JournalEntry(at=AT, act=Act.STAGE, code="live", detail={"track": "adoption", "from": "new"}),
    JournalEntry(at=AT, act=Act.ENTERED, code="entered", playbook="welcome", enrollment="welcome.1"),
    JournalEntry(at=AT, act=Act.REFUSED, code="already_enrolled", playbook="welcome"),
    JournalEntry(at=AT, act=Act.ENDED, code="goal", playbook="welcome", enrollment="welcome.1"),
    JournalEntry(at=AT, act=Act.HEALTH, code="red", detail={"health": "h", "from": "green", "score": 20}),
    JournalEntry(at=AT, act=Act.ANSWERED, code="nps", detail={"survey": "nps", "score": 9, "comment": "private"}),
)


def decides(snapshot: TurnSnapshot) -> TurnWrite:
    return msgspec.structs.replace(write(snapshot, state=enrolled(snapshot)), journal=ENTRIES)


async def test_what_a_turn_decided_is_told_without_what_nobody_needs(store: SqlStore) -> None:
    await endpoint(store)
    await store.accept([event("m1", "ann")], AT)
    await store.turn(await store.find("ann"), decides)
    run: JsonObject = {"playbook": "welcome", "enrollment": "welcome.1"}
    assert await told(store) == [
        ("enrollment.ended", {**run, "reason": "goal"}),
        ("enrollment.started", {**run, "holdout": False}),
        ("health.changed", {"health": "h", "from": "green", "score": 20, "to": "red"}),
        ("response.received", {"survey": "nps", "score": 9}),
        ("stage.changed", {"track": "adoption", "from": "new", "to": "live"}),
    ]


async def test_each_endpoint_is_told_of_the_types_it_wants(store: SqlStore) -> None:
    await endpoint(store, "ep_1", ["stage.changed"])
    await endpoint(store, "ep_2", ["task.opened"])
    await store.accept([event("m1", "ann")], AT)
    await store.turn(await store.find("ann"), decides)
    assert [type_ for type_, _ in await told(store)] == ["stage.changed"]
    assert await store.outbound_log("ep_2") == []


async def test_without_endpoints_a_turn_pays_no_statement_and_with_one_two(store: SqlStore) -> None:
    costs: list[int] = []
    for who in ("ann", "bob"):
        await store.accept([event(who, who)], AT)
        id_ = await store.find(who)
        store.statements.by_act.clear()
        await store.turn(id_, decides)
        costs.append(store.statements.by_act["turn"])
        await endpoint(store, f"ep_{who}")
    assert costs[1] == costs[0] + 2


async def test_what_became_of_a_message_is_told(store: SqlStore) -> None:
    await endpoint(store)
    await store.accept([event("m1", "ann")], AT)
    ann = await store.find("ann")
    mail = email(ann)
    await store.turn(ann, lambda one: msgspec.structs.replace(write(one, state=enrolled(one)), effects=(mail,)))
    await store.claim_message(mail.key, AT)
    ended = EffectEnded(at=AT, key=mail.key, outcome=Outcome.SENT)
    await store.end_message(mail.key, SendStatus.SENT, ended, "smtp", None)
    await store.turn(ann, lambda one: msgspec.structs.replace(write(one), closed=(mail.key,)))
    report = MessageReport(
        id="1", provider="p", what="bounced", bounce="hard", reference=mail.reference, address=None, raw="{}"
    )
    await store.hear_report(report, AT)
    about: JsonObject = {"message": mail.key}
    steps: JsonObject = {"playbook": mail.playbook, "step": mail.step, "template": mail.template}
    assert await told(store) == [
        ("message.ended", {**about, **steps, "outcome": "sent", "reason": None}),
        ("message.reported", {**about, "what": "bounced", "bounce": "hard", "machine": False}),
    ]


async def test_what_one_process_posts_no_other_does_until_its_lease_is_over(
    store: SqlStore, neighbour: SqlStore
) -> None:
    await endpoint(store)
    assert await store.test_endpoint("ep_1", AT) is not None
    (due,) = await store.due_events(AT, LEASE)
    assert await neighbour.due_events(AT + LEASE - timedelta(seconds=1), LEASE) == []
    (again,) = await neighbour.due_events(AT + LEASE, LEASE)
    assert (due.attempt, again.attempt, again.event) == (1, 2, due.event)
    await store.end_post(again, PostOutcome(ok=True, status=200, error=None), AT)
    assert await store.due_events(AT + timedelta(days=9), LEASE) == []


async def test_one_that_is_slow_keeps_no_other_waiting(store: SqlStore) -> None:
    for id_ in ("ep_1", "ep_2"):
        await endpoint(store, id_)
    for second in range(20):
        await store.test_endpoint("ep_1", AT + timedelta(seconds=second))
    await store.test_endpoint("ep_2", AT + timedelta(minutes=1))
    due = await store.due_events(AT + timedelta(minutes=1), LEASE, each=3)
    assert sorted(each.endpoint for each in due) == ["ep_1", "ep_1", "ep_1", "ep_2"]


async def test_with_a_customer_goes_what_was_to_be_told_of_them(store: SqlStore) -> None:
    await endpoint(store)
    await store.accept([event("m1", "ann")], AT)
    await store.turn(await store.find("ann"), decides)
    await settle(store, "ann")
    await store.erase("ann", None, Erasure(at=AT, by="kim"))
    assert await store.due_events(AT + timedelta(days=1), LEASE) == []
    assert await store.outbound_log("ep_1") == []


async def test_after_a_month_or_as_the_settings_say_nothing_of_it_is_kept(store: SqlStore) -> None:
    await endpoint(store)
    await store.test_endpoint("ep_1", AT)
    clock = ManualClock(AT + timedelta(days=30))
    retention = Retention(store, clock, parse_retention({}))
    assert await retention.forget(Kept.OUTBOUND) == 0
    clock.instant += timedelta(seconds=1)
    assert await retention.forget(Kept.OUTBOUND) == 1
    assert await store.outbound_log("ep_1") == []
