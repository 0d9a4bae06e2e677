"""Answers to surveys are kept beside the input that playbooks see: one for each message that asked."""

from __future__ import annotations

import msgspec

from perennia.core.decisions import SendEmail, SurveyAnswered
from perennia.core.message_parts import AskedSurvey
from perennia.store import SqlStore
from perennia.store.cursors import cursor_of
from perennia.store.records import GivenAnswer
from perennia.store.survey_records import AnswerGiven, UnclaimedAnswer
from tests.support.posts import AT, email, later, merged, take_turn, traits, write

ASKED = AskedSurvey(survey="nps", question="How likely?", lowest=0, highest=10)


async def asked(store: SqlStore) -> str:
    """A customer who was asked. Returns the message's key."""
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, asking(ann)))
    return asking(ann).key


def asking(customer: str) -> SendEmail:
    return msgspec.structs.replace(email(customer), survey=ASKED)


def answer(key: str | None, score: float, comment: str | None = None, **after: int) -> SurveyAnswered:
    return SurveyAnswered(at=later(**after), survey="nps", score=score, comment=comment, key=key, by="page")


async def test_a_message_knows_what_it_asked(store: SqlStore) -> None:
    question = await store.survey_question(await asked(store))
    assert question is not None
    assert (question.customer, question.asked, question.answer) == (await store.find("ann"), ASKED, None)


async def test_a_message_that_asks_nothing_has_no_question(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email="ann@x.io")], AT)
    ann = await store.find("ann")
    await store.turn(ann, lambda snapshot: write(snapshot, email(ann)))
    assert await store.survey_question(email(ann).key) is None


async def test_nobody_knows_a_message_that_was_never_sent(store: SqlStore) -> None:
    assert await store.survey_question("nobody/p.1/mail/1") is None


async def test_the_last_answer_of_a_message_counts_and_the_first_ones_time_stays(store: SqlStore) -> None:
    key, ann = await asked(store), await store.find("ann")
    await store.place_order(ann, answer(key, 3, "Slow.", minutes=1))
    await store.place_order(ann, answer(key, 9.5, minutes=2))
    question = await store.survey_question(key)
    assert question is not None
    assert question.answer == GivenAnswer(score=9.5, comment=None, first_at=later(minutes=1))


async def test_every_answer_is_an_input(store: SqlStore) -> None:
    key, ann = await asked(store), await store.find("ann")
    await store.place_order(ann, answer(key, 3))
    await store.place_order(ann, answer(key, 9))
    inputs = (await take_turn(store, "ann")).inputs
    assert [each.score for each in inputs if isinstance(each, SurveyAnswered)] == [3, 9]


async def test_answers_that_no_message_asked_for_are_all_kept(store: SqlStore) -> None:
    key, ann = await asked(store), await store.find("ann")
    await store.place_order(ann, answer(None, 3))
    await store.place_order(ann, answer(None, 9))
    question = await store.survey_question(key)
    assert question is not None
    assert question.answer is None


async def test_a_link_of_one_who_was_merged_leads_to_who_they_are_now(store: SqlStore) -> None:
    key = await asked(store)
    await store.accept([traits("m2", "eve", email="eve@x.io")], AT)
    await store.accept([merged("ann", "eve")], AT)
    question = await store.survey_question(key)
    assert question is not None
    assert question.customer == await store.find("eve")


async def test_who_was_merged_says_no_for_who_they_are_now(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann"), traits("m2", "eve")], AT)
    ann, eve = await store.find("ann"), await store.find("eve")
    await store.accept([merged("ann", "eve")], AT)
    await store.unsubscribe(ann, "tips", AT, "page")
    assert await store.consents(eve) == {"tips": False}
    assert await store.consents(ann) == {"tips": False}


async def counted(store: SqlStore, **period: int) -> list[tuple[str, float | None]]:
    since = later(minutes=period["since"]) if "since" in period else None
    until = later(minutes=period["until"]) if "until" in period else None
    return [(each.customer, each.score) for each in await store.answered("nps", since, until)]


async def test_answers_of_a_period_are_read_newest_first(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann"), traits("m2", "eve")], AT)
    ann, eve = await store.find("ann"), await store.find("eve")
    for customer, score, minute in ((ann, 3, 1), (ann, 9, 2), (eve, 9, 3)):
        await store.place_order(customer, answer(None, score, minutes=minute))
    assert await counted(store) == [(eve, 9), (ann, 9), (ann, 3)]
    assert await counted(store, until=2) == [(ann, 3)]
    assert await counted(store, since=3) == [(eve, 9)]


async def test_of_two_customers_who_became_one_both_answers_are_theirs(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann"), traits("m2", "eve", plan="pro")], AT)
    await store.place_order(await store.find("ann"), answer(None, 3, minutes=1))
    await store.place_order(await store.find("eve"), answer(None, 9, minutes=2))
    await store.accept([merged("ann", "eve")], AT)
    await take_turn(store, "eve")
    eve = await store.find("eve")
    assert await counted(store) == [(eve, 9), (eve, 3)]
    states = [each.state for each in await store.answered("nps", None, None, states=True)]
    assert [state and state.facts.traits for state in states] == [{"plan": "pro"}, {"plan": "pro"}]


async def test_answers_are_read_on_behind_a_cursor(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann")], AT)
    for score, minute in ((1, 1), (2, 2), (3, 2)):
        await store.place_order(await store.find("ann"), answer(None, score, minutes=minute))
    (first,) = await store.responses("nps", limit=1)
    behind = await store.responses("nps", after=first.cursor)
    assert (first.score, [each.score for each in behind]) == (3, [2, 1])
    assert await store.responses("nps", after="nonsense") == []


async def test_answers_are_listed_newest_first_under_who_they_are_now(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann"), traits("m2", "eve")], AT)
    await store.place_order(await store.find("ann"), answer(None, 3, "Slow.", minutes=1))
    await store.place_order(await store.find("eve"), answer(None, 9.5, minutes=2))
    await store.accept([merged("ann", "eve")], AT)
    listed = await store.responses("nps")
    assert [(one.external_id, one.score, one.comment) for one in listed] == [("eve", 9.5, None), ("eve", 3, "Slow.")]


# --- told by other systems ------------------------------------------------------------------------------------------


async def test_a_contact_is_found_by_its_id_else_by_an_address_that_only_it_has(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email="Ann@x.io"), traits("m2", "eve", email="two@x.io")], AT)
    ann, eve = await store.find("ann"), await store.find("eve")
    assert await store.contact_of("eve", "ann@x.io") == eve
    assert await store.contact_of("who", " ann@X.io") == ann
    await store.accept([traits("m3", "eva", email="two@x.io")], AT)
    assert await store.contact_of(None, "two@x.io") is None
    assert await store.contact_of(None, None) is None


async def test_an_answer_of_nobody_is_kept_once(store: SqlStore) -> None:
    aside = UnclaimedAnswer(id="typeform:e1", source="typeform", survey="nps", reason="who?", at=AT, body="{}")
    await store.keep_unclaimed(aside)
    await store.keep_unclaimed(aside)
    assert await store.unclaimed() == [msgspec.structs.replace(aside, cursor=cursor_of(AT, "typeform:e1"))]


async def test_an_answer_that_was_given_to_somebody_stays_theirs_and_is_kept_no_more(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann"), traits("m2", "eve")], AT)
    ann, eve = await store.find("ann"), await store.find("eve")
    aside = UnclaimedAnswer(
        id="tool:e1", source="tool", survey="nps", reason="who?", at=AT, body="{}", response="tool:5"
    )
    await store.keep_unclaimed(aside)
    assert await store.answer_given("tool:e1") is None
    given = await store.give_answer("tool:e1", ann, answer("tool:5", 9, minutes=1))
    assert given == AnswerGiven(customer=ann, seq=1 + 1)
    assert await store.give_answer("tool:e1", eve, answer("tool:5", 9, minutes=2)) == given
    assert await store.give_answer("tool:e2", eve, answer("tool:6", 9, minutes=2)) is None
    await store.keep_unclaimed(aside)
    assert (await store.unclaimed(), await store.answer_given("tool:e1")) == ([], given)


async def test_all_that_was_told_of_one_response_is_found_by_each(store: SqlStore) -> None:
    for number, response in enumerate(("r1", "r2", "r1", None, None)):
        told = UnclaimedAnswer(
            id=f"e{number}",
            source="tool",
            survey="nps",
            reason="who?",
            at=later(minutes=number),
            body="{}",
            response=response,
        )
        await store.keep_unclaimed(told)
    assert [one.id for one in await store.unclaimed_response("e2")] == ["e0", "e2"]
    assert [one.id for one in await store.unclaimed_response("e3")] == ["e3"]


async def test_what_was_answered_under_a_key_is_known(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann")], AT)
    await store.place_order(await store.find("ann"), answer("tool:5", 9, "Good", minutes=1))
    known = GivenAnswer(score=9, comment="Good", first_at=later(minutes=1), customer=await store.find("ann"))
    assert await store.given_answer("tool:5") == known
    assert await store.given_answer("tool:6") is None
