"""How senders and topics stand: counted, written down once, and obeyed where messages are claimed."""

from __future__ import annotations

import asyncio

import msgspec

from perennia.core.decisions import EffectEnded, Outcome, SendEmail
from perennia.store import SqlStore
from perennia.store.records import MessageReport, SendingRate, SendStatus
from tests.support.posts import AT, email, later, take_turn, traits, write

TIPS = SendingRate(kind="topic", name="tips", sent=1000, complained=4, bounced=0)


def mail(key: str, *, topic: str = "tips", sender: str = "hello", transactional: bool = False) -> SendEmail:
    return msgspec.structs.replace(email("x"), key=key, topic=topic, sender=sender, transactional=transactional)


async def released(store: SqlStore, *messages: SendEmail) -> str:
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, *messages))
    return ann


async def sent(store: SqlStore, *messages: SendEmail) -> None:
    await released(store, *messages)
    for each in messages:
        ended = EffectEnded(at=AT, key=each.key, outcome=Outcome.SENT)
        await store.end_message(each.key, SendStatus.SENT, ended, "smtp", None)


async def told(store: SqlStore, message: SendEmail, what: str, id_: str = "1", bounce: str | None = None) -> None:
    report = MessageReport(
        id=f"{message.key}-{what}-{id_}",
        provider="smtp",
        what=what,
        reference=message.reference,
        address="ann@x.io",
        raw="{}",
        bounce=bounce,
    )
    await store.hear_report(report, later(minutes=1))


def rate(kind: str, name: str, sent: int, complained: int = 0, bounced: int = 0) -> SendingRate:
    assert kind in ("sender", "topic")
    return SendingRate(
        kind="sender" if kind == "sender" else "topic", name=name, sent=sent, complained=complained, bounced=bounced
    )


async def test_each_message_counts_for_its_sender_and_its_topic(store: SqlStore) -> None:
    await sent(store, mail("a"), mail("b", topic="news"), mail("c", sender="ana"))
    assert await store.sending_rates(AT) == [
        rate("sender", "ana", 1),
        rate("sender", "hello", 2),
        rate("topic", "news", 1),
        rate("topic", "tips", 2),
    ]


async def test_what_did_not_leave_and_what_left_before_does_not_count(store: SqlStore) -> None:
    await released(store, mail("a"))
    await sent(store, mail("b"))
    assert [each.sent for each in await store.sending_rates(AT)] == [1, 1]
    assert await store.sending_rates(later(seconds=1)) == []


async def test_a_complaint_that_is_told_twice_counts_once(store: SqlStore) -> None:
    await sent(store, mail("a"))
    await told(store, mail("a"), "complained", "1")
    await told(store, mail("a"), "complained", "2")
    assert await store.sending_rates(AT) == [rate("sender", "hello", 1, 1), rate("topic", "tips", 1, 1)]


async def test_only_what_came_back_for_good_counts_as_a_bounce(store: SqlStore) -> None:
    await sent(store, mail("a"), mail("b"))
    await told(store, mail("a"), "bounced", bounce="hard")
    await told(store, mail("b"), "bounced", bounce="soft")
    assert [each.bounced for each in await store.sending_rates(AT)] == [1, 1]


async def test_a_complaint_and_a_hard_bounce_are_harm_and_an_opening_is_none(store: SqlStore) -> None:
    await sent(store, mail("a"))
    await told(store, mail("a"), "opened")
    assert not await store.harmed_since(AT)
    await told(store, mail("a"), "complained")
    assert await store.harmed_since(AT)
    assert not await store.harmed_since(later(minutes=1))


async def test_of_several_who_judge_at_once_one_has_judged(store: SqlStore, neighbour: SqlStore) -> None:
    judged = await asyncio.gather(*(each.judge(TIPS, "stopped", AT, "limits") for each in (store, neighbour) * 3))
    assert sorted(judged) == [False] * 5 + [True]


async def test_what_is_stopped_is_not_let_go_by_better_numbers(store: SqlStore) -> None:
    await store.judge(TIPS, "stopped", AT, "limits")
    assert not await store.judge(TIPS, "good", later(days=9), "limits")
    assert [each.level for each in await store.reputations()] == ["stopped"]


async def test_a_warning_goes_when_the_numbers_are_good_again(store: SqlStore) -> None:
    await store.judge(TIPS, "warned", AT, "limits")
    assert await store.judge(TIPS, "good", later(days=9), "limits")
    assert [(each.level, each.told) for each in await store.reputations()] == [("good", True)]


async def test_who_was_told_is_not_told_again(store: SqlStore) -> None:
    await store.judge(TIPS, "warned", AT, "limits")
    assert [each.told for each in await store.reputations()] == [False]
    await store.note_told("topic", "tips", later(minutes=1))
    assert [each.told for each in await store.reputations()] == [True]


async def test_mail_of_a_stopped_topic_is_not_claimed_and_other_mail_is(store: SqlStore) -> None:
    await store.judge(TIPS, "stopped", AT, "limits")
    await released(store, mail("a"), mail("b", topic="news"), mail("c", transactional=True))
    claimed = {key: await store.claim_message(key, AT) for key in ("a", "b", "c")}
    assert {key: each.stopped for key, each in claimed.items()} == {"a": True, "b": False, "c": False}
    statuses = {each.key: each.status for each in await store.messages()}
    assert statuses == {"a": SendStatus.RESERVED, "b": SendStatus.SENDING, "c": SendStatus.SENDING}


async def test_mail_of_a_stopped_sender_is_not_claimed(store: SqlStore) -> None:
    await store.judge(rate("sender", "hello", 9), "stopped", AT, "sam")
    await released(store, mail("a"))
    assert (await store.claim_message("a", AT)).stopped


async def test_a_turn_knows_what_is_stopped(store: SqlStore) -> None:
    await released(store)
    await store.judge(TIPS, "stopped", AT, "limits")
    await store.judge(rate("sender", "hello", 9), "warned", AT, "limits")
    assert (await take_turn(store, "ann")).stopped == {"topic:tips"}


async def test_who_waits_with_a_message_is_rung_when_it_may_leave(store: SqlStore) -> None:
    await store.judge(TIPS, "stopped", AT, "limits")
    ann = await released(store, mail("a"))
    assert await store.resume_sending("topic", "tips", later(hours=1), "sam")
    assert await store.rung(10) == [ann]


async def test_what_left_before_somebody_looked_does_not_count_again(store: SqlStore) -> None:
    await sent(store, mail("a"))
    await told(store, mail("a"), "complained")
    await store.judge(TIPS, "stopped", AT, "limits")
    await store.resume_sending("topic", "tips", later(hours=1), "sam")
    assert await store.sending_rates(AT) == [rate("sender", "hello", 1, 1)]


async def test_what_was_not_stopped_is_not_resumed(store: SqlStore) -> None:
    assert not await store.resume_sending("topic", "tips", AT, "sam")
