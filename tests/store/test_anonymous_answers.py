"""Anonymous answers in the store: nothing leads from one to its author, and fewer than five are never shown."""

from __future__ import annotations

from perennia.core.decisions import SurveyAnswered
from perennia.store import SqlStore
from perennia.store.survey_records import AnonymousAnswer, AnonymousBatch
from tests.support.posts import AT, later, take_turn, traits


async def answer(store: SqlStore, who: str, score: int, minute: int, plan: str = "pro") -> bool:
    await store.accept([traits(f"m-{who}", who, plan=plan)], AT)
    await take_turn(store, who)
    told = SurveyAnswered(at=later(minutes=minute), survey="pulse", key=f"{who}/p.1/ask/1", by="page")
    said = AnonymousAnswer(score=score, comment=f"by {score}")
    return await store.answer_anonymously(await store.find(who), told, said, ["plan"])


def said(score: int) -> AnonymousAnswer:
    return AnonymousAnswer(score=score, comment=f"by {score}")


async def test_five_of_a_group_are_shown_together_in_no_order(store: SqlStore) -> None:
    for minute, score in enumerate([4, 2, 5, 1]):
        assert await answer(store, f"c{score}", score, minute)
    assert await store.anonymous_batches("pulse") == ([], 4)
    await answer(store, "c9", 9, 8, plan="free")
    assert await store.anonymous_batches("pulse") == ([], 5)  # of two groups
    await answer(store, "c3", 3, 9)
    shown = AnonymousBatch(month="2026-03", group={"plan": "pro"}, answers=tuple(said(n) for n in (1, 2, 3, 4, 5)))
    assert await store.anonymous_batches("pulse") == ([shown], 1)
    await answer(store, "c6", 6, 10)
    assert await store.anonymous_batches("pulse") == ([shown], 2)  # the sixth waits for four others


async def test_a_message_is_answered_once(store: SqlStore) -> None:
    assert await answer(store, "ann", 4, 1)
    assert not await answer(store, "ann", 5, 2)
    assert await store.anonymous_batches("pulse") == ([], 1)


async def test_what_is_known_of_the_author_is_that_they_answered(store: SqlStore) -> None:
    await answer(store, "ann", 4, 1)
    (kept,) = await store.responses("pulse")
    assert (kept.external_id, kept.score, kept.comment, kept.answers) == ("ann", None, None, {})
    inputs = (await take_turn(store, "ann")).inputs
    assert [(each.score, each.comment, each.answers) for each in inputs if isinstance(each, SurveyAnswered)] == [
        (None, None, {})
    ]
