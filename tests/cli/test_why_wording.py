"""Journal entries as sentences that a customer success team reads."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from perennia.core.decisions import Act, Evidence, JournalEntry, Reason
from perennia.core.json_values import JsonObject
from perennia.why.evidence import evidence_line
from perennia.why.reasons import meaning
from perennia.why.story import tell
from perennia.why.wording import put_in_words

NOON = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)
MADRID = ZoneInfo("Europe/Madrid")


def entry(act: Act, code: str, reason: str | None = None, detail: JsonObject | None = None) -> JournalEntry:
    return JournalEntry(
        at=NOON,
        act=act,
        code=code,
        playbook="hello",
        version="0123456789abcdef0123",
        step="greet",
        reason=reason,
        detail=detail or {},
    )


def sentence(act: Act, code: str, reason: str | None = None, detail: JsonObject | None = None) -> str:
    return put_in_words(entry(act, code, reason, detail), MADRID).text


def test_the_time_is_the_customers() -> None:
    assert put_in_words(entry(Act.ENTERED, "entered"), MADRID).when == "Mon 2 Mar 2026 13:00:05"


def test_the_subject_names_playbook_step_and_version() -> None:
    assert put_in_words(entry(Act.ENTERED, "entered"), MADRID).subject == "hello / greet (01234567)"


def test_an_entry_names_its_event() -> None:
    assert sentence(Act.ENTERED, "entered", detail={"event": "Signed Up"}) == "entered, since Signed Up happened"


def test_a_message_without_a_place_says_at_which_provider_and_when_it_is_tried_again() -> None:
    detail: JsonObject = {"template": "tips/one", "provider": "ses", "tried_again": "2026-03-03T00:12:30+00:00"}
    assert sentence(Act.HELD, Reason.WARM_UP, Reason.WARM_UP, detail) == (
        "email tips/one is held: its provider, which is warming up, has had as many messages as it may be given that day "
        "(warm_up); it is tried again at 2026-03-03 00:12 UTC [provider: ses]"
    )


def test_a_held_message_says_what_keeps_it_and_how_long_it_may() -> None:
    told: JsonObject = {"template": "tips/one", "until": "2026-03-04T12:00:05+00:00"}
    assert sentence(Act.HELD, "quiet_hours", "quiet_hours", told) == (
        "email tips/one is held: it is night where the recipient is: quiet hours (quiet_hours) "
        "[until: 2026-03-04T12:00:05+00:00]"
    )


def test_a_refusal_says_what_did_not_happen_and_why() -> None:
    said = sentence(Act.REFUSED, "failed_entry_filter", "failed_entry_filter", {"event": "Signed Up"})
    assert said == "did not enter, since Signed Up happened: the entry filter did not hold (failed_entry_filter)"


def test_a_skipped_message_gives_its_reason() -> None:
    said = sentence(Act.STEP_ENDED, "skipped", "unsubscribed_topic", {"verb": "email"})
    assert said == "the email was skipped: the person has unsubscribed from this topic (unsubscribed_topic)"


def test_a_wait_says_what_it_waited_for() -> None:
    detail: JsonObject = {"verb": "wait_for", "condition": 1, "events": ["First Project Created"]}
    assert sentence(Act.STEP_ENDED, "done", detail=detail) == "what it waited for happened: First Project Created"


def test_a_stage_move_names_both_stages() -> None:
    detail: JsonObject = {"track": "adoption", "from": "onboarding"}
    assert sentence(Act.STAGE, "early-adoption", detail=detail) == "moved from stage onboarding to early-adoption"


def test_an_exit_of_the_playbooks_own_is_told_as_it_is() -> None:
    assert sentence(Act.ENDED, "complaint") == "ended: complaint"


def test_an_order_names_who_gave_it() -> None:
    assert sentence(Act.ORDER, "pause", detail={"by": "sam", "playbook": "hello"}) == "was told to pause by sam"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_code_has_words(reason: Reason) -> None:
    assert meaning(reason)


@pytest.mark.parametrize("act", list(Act))
def test_every_act_has_a_sentence(act: Act) -> None:
    assert sentence(act, "done")


def test_of_a_false_conjunction_the_false_part_is_the_reason() -> None:
    evidence = Evidence(
        'traits.plan == "pro" && traits.seats > 5',
        value=False,
        parts=(
            Evidence('traits.plan == "pro"', value=True, values={"traits.plan": "pro"}),
            Evidence("traits.seats > 5", value=False, values={"traits.seats": 3}),
        ),
    )
    assert (
        evidence_line(evidence, MADRID) == 'traits.plan == "pro" && traits.seats > 5  ->  false, since traits.seats = 3'
    )


def test_an_event_that_never_happened_is_said_so() -> None:
    evidence = Evidence('happened("Logged In")', value=False, values={"last": None})
    assert evidence_line(evidence, MADRID) == 'happened("Logged In")  ->  false, since it never happened'


def test_instants_in_evidence_are_in_the_customers_zone() -> None:
    evidence = Evidence('happened("Logged In")', value=True, values={"last": "2026-03-02T12:00:05Z"})
    assert evidence_line(evidence, MADRID).endswith("since it last happened Mon 2 Mar 2026 13:00:05")


def test_an_expression_without_an_answer_says_what_was_missing() -> None:
    evidence = Evidence("traits.seats > 5", error="traits.seats is missing")
    assert (
        evidence_line(evidence, MADRID)
        == "traits.seats > 5  ->  no answer, which counts as false: traits.seats is missing"
    )


def test_a_story_may_be_about_one_track() -> None:
    moved = JournalEntry(at=NOON, act=Act.STAGE, code="onboarding", detail={"track": "adoption"})
    story = tell("ana", [moved, entry(Act.ENTERED, "entered")], MADRID, "adoption")
    assert [line.entry for line in story.lines] == [moved]


def test_a_story_is_in_order_of_time() -> None:
    later = JournalEntry(at=datetime(2026, 3, 3, tzinfo=UTC), act=Act.ENDED, code="goal", playbook="hello")
    story = tell("ana", [later, entry(Act.ENTERED, "entered")], MADRID)
    assert [line.entry.act for line in story.lines] == [Act.ENTERED, Act.ENDED]
