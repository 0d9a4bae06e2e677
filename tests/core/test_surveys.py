"""Steps that ask a survey: the answer, the limit, reminders, and who is left alone for a while."""

from __future__ import annotations

from perennia.core.advance import advance, new_customer
from perennia.core.decisions import CustomerEvent, EffectEnded, Outcome, SendEmail, TraitsChanged
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.core.state import Recipient
from perennia.core.surveys import combined
from perennia.simulate.outside import Fault
from tests.support.lives import START, Life, after, catalog_of

NPS = "survey: nps\nkind: nps\nquestion: How likely?\nrelational: true\n---\n"
CSAT = "survey: csat\nkind: csat\nquestion: How was it?\n---\n"
AFTER = """
  - branch:
      - {if: steps.ask.label == "promoter", then: [{exit: promoter}]}
      - {if: steps.ask.answered, then: [{exit: answered}]}
    else: [{exit: silent}]
"""


def asking(step: str, after: str = AFTER) -> str:
    return f"{NPS}playbook: p\ntopic: tips\nenter: {{on: [{{event: Go}}]}}\nsteps:\n  - {{id: ask, {step}}}\n{after}"


def test_an_answer_ends_the_step_with_its_result() -> None:
    life = Life(asking("survey: nps, wait: 5d")).event("0d", "Go").answer("2d", "nps", 9, "Nice").until("30d")
    assert life.timeline == [("0d", "survey nps"), ("2d", "ended promoter")]


def test_without_an_answer_the_step_ends_at_its_limit() -> None:
    life = Life(asking("survey: nps, wait: 5d")).event("0d", "Go").answer("6d", "nps", 9).until("30d")
    assert life.timeline == [("0d", "survey nps"), ("5d", "ended silent")]


def test_an_answer_at_the_instant_of_the_limit_counts() -> None:
    life = Life(asking("survey: nps, wait: 5d")).event("0d", "Go").answer("5d", "nps", 3).until("30d")
    assert life.timeline[-1] == ("5d", "ended answered")


def test_it_waits_a_week_unless_told_otherwise() -> None:
    assert Life(asking("survey: nps")).event("0d", "Go").until("30d").timeline[-1] == ("7d", "ended silent")


def test_a_wait_of_nothing_goes_on_at_once_and_learns_of_the_answer_later() -> None:
    after = "  - wait: 3d" + AFTER
    life = Life(asking("survey: nps, wait: 0", after)).event("0d", "Go").answer("1d", "nps", 10).until("30d")
    assert life.timeline == [("0d", "survey nps"), ("3d", "ended promoter")]


def test_reminders_count_from_the_release_and_end_with_the_answer() -> None:
    text = asking("survey: nps, wait: 9d, remind: [3d, 6d, 8d]")
    life = Life(text).event("1h", "Go").answer("7d", "nps", 5).until("30d")
    assert life.timeline == [
        ("1h", "survey nps"),
        ("3d1h", "survey nps"),
        ("6d1h", "survey nps"),
        ("7d", "ended answered"),
    ]


def test_each_reminder_is_an_effect_of_its_own() -> None:
    life = Life(asking("survey: nps, wait: 5d, remind: [3d]")).event("0d", "Go").until("4d")
    assert life.enrollment.visits == {"ask": 2}


def test_a_reminder_to_somebody_who_unsubscribed_is_left_out_and_the_wait_goes_on() -> None:
    life = Life(asking("survey: nps, wait: 5d, remind: [3d]")).event("0d", "Go")
    life.put("2d", lambda world: world.consent("tips", given=False)).until("30d")
    assert life.timeline == [("0d", "survey nps"), ("5d", "ended silent")]


def test_spans_after_a_survey_count_from_its_end() -> None:
    text = asking("survey: nps, wait: 5d", "  - wait: 1d\n  - email: m\n")
    assert Life(text).event("0d", "Go").answer("2d", "nps", 1).until("9d").timeline[1] == ("3d", "email m")


def test_who_must_not_be_written_to_is_not_asked() -> None:
    life = Life(asking("survey: nps, topic: news")).event("0d", "Go").until("9d")
    assert life.timeline == [("0d", "skipped ask: no_consent"), ("0d", "ended silent")]


def test_a_wait_hears_an_answer_since_entry() -> None:
    text = asking(
        "survey: nps, wait: 0",
        "  - wait: 2d\n  - {wait_for: [{answered: nps, then: [{exit: heard}]}], up_to: 3d, else: [{exit: silent}]}\n",
    )
    assert Life(text).event("0d", "Go").answer("1d", "nps", 1).until("9d").timeline[-1] == ("2d", "ended heard")
    assert Life(text).event("0d", "Go").answer("3d", "nps", 1).until("9d").timeline[-1] == ("3d", "ended heard")
    assert Life(text).event("0d", "Go").until("9d").timeline[-1] == ("5d", "ended silent")


COOLDOWN = "survey_cooldown: {any: 10d, relational: 30d}\n"
TWO = (
    NPS
    + CSAT
    + """
playbook: p
topic: tips
enter: {on: [{event: Csat}], reenter: always}
steps: [{id: ask, survey: csat, wait: 0}]
---
playbook: q
topic: tips
enter: {on: [{event: Nps}], reenter: always}
steps: [{id: ask, survey: nps, wait: 0}]
"""
)


def asked(life: Life) -> list[tuple[str, str]]:
    return [(at, what) for at, what in life.timeline if not what.startswith("ended")]


def test_after_any_survey_nobody_is_asked_for_a_while() -> None:
    life = Life(TWO, policies=COOLDOWN).event("0d", "Csat").event("9d", "Nps").event("10d", "Nps").until("20d")
    assert asked(life) == [("0d", "survey csat"), ("9d", "skipped ask: survey_cooldown"), ("10d", "survey nps")]


def test_relational_surveys_rest_longer_from_each_other() -> None:
    life = (
        Life(TWO, policies=COOLDOWN)
        .event("0d", "Nps")
        .event("15d", "Csat")
        .event("29d", "Nps")
        .event("30d", "Nps")
        .until("40d")
    )
    assert asked(life) == [
        ("0d", "survey nps"),
        ("15d", "survey csat"),
        ("29d", "skipped ask: survey_cooldown"),
        ("30d", "survey nps"),
    ]


def test_two_playbooks_that_ask_at_one_instant_ask_once() -> None:
    life = Life(TWO.replace("event: Csat", "event: Nps"), policies=COOLDOWN).event("0d", "Nps").until("1d")
    assert sorted(asked(life)) == [("0d", "skipped ask: survey_cooldown"), ("0d", "survey csat")]


def test_in_quiet_hours_a_survey_waits_and_its_limit_counts_from_its_release() -> None:
    quiet = 'quiet_hours: {window: "10:00-14:00"}\n'
    life = Life(asking("survey: nps, wait: 2d, remind: [1d]"), policies=quiet).event("2h", "Go").until("9d")
    assert life.timeline == [("5h", "survey nps"), ("1d5h", "survey nps"), ("2d5h", "ended silent")]


def test_a_reminder_in_quiet_hours_is_held_until_they_are_over() -> None:
    quiet = 'quiet_hours: {window: "10:00-14:00"}\n'
    life = Life(asking("survey: nps, wait: 2d, remind: [26h]"), policies=quiet).event("0d", "Go").until("9d")
    assert life.timeline == [("0d", "survey nps"), ("1d5h", "survey nps"), ("2d", "ended silent")]


def test_a_held_reminder_leaves_no_more_once_the_survey_is_answered() -> None:
    quiet = 'quiet_hours: {window: "10:00-14:00"}\n'
    life = Life(asking("survey: nps, wait: 2d, remind: [26h]"), policies=quiet).event("0d", "Go")
    assert life.answer("1d3h", "nps", 3).until("9d").timeline == [("0d", "survey nps"), ("1d3h", "ended answered")]


def test_a_held_reminder_does_not_outlast_the_limit() -> None:
    quiet = 'quiet_hours: {window: "10:00-14:00"}\n'
    life = Life(asking("survey: nps, wait: 28h, remind: [26h]"), policies=quiet).event("0d", "Go").until("9d")
    assert life.timeline == [("0d", "survey nps"), ("1d4h", "ended silent")]


def test_of_the_reminders_that_fall_due_in_a_pause_one_leaves_when_it_is_over() -> None:
    life = Life(asking("survey: nps, wait: 9d, remind: [2d, 3d, 4d, 6d]")).event("0d", "Go").pause("1d", "p")
    assert life.resume("5d", "p").until("30d").timeline == [
        *(("0d", "survey nps"), ("5d", "survey nps"), ("6d", "survey nps"), ("9d", "ended silent")),
    ]


def test_a_reminder_that_falls_due_while_another_is_held_goes_with_it() -> None:
    quiet = 'quiet_hours: {window: "10:00-14:00"}\n'
    life = Life(asking("survey: nps, wait: 9d, remind: [26h, 28h, 3d]"), policies=quiet).event("0d", "Go").until("8d")
    assert life.timeline == [("0d", "survey nps"), ("1d5h", "survey nps"), ("3d", "survey nps")]


def test_a_move_to_another_zone_moves_neither_the_limit_nor_a_reminder() -> None:
    # Wall clocks change in Berlin at 27d, in Tokyo never: seven days from the 25th are an hour less in Berlin.
    life = Life(asking("survey: nps, wait: 7d, remind: [6d]"), traits={"timezone": "Europe/Berlin"})
    life.event("23d", "Go").traits("24d", timezone="Asia/Tokyo").until("40d")
    assert [at for at, _ in life.timeline] == ["23d", "28d23h", "29d23h"]


def message_of(text: str) -> SendEmail:
    """The message of the step, as it is rendered."""
    life = Life(text)
    sent: list[SendEmail] = []
    life.world.outside.rendering.message = lambda effect, _: sent.append(effect)  # pyright: ignore[reportAttributeAccessIssue] (only looked at)
    life.event("0d", "Go").until("1h")
    (effect,) = sent
    return effect


def test_the_message_knows_its_question_and_its_scale() -> None:
    effect = message_of(asking("survey: nps"))
    assert effect.survey == AskedSurvey(survey="nps", question="How likely?", lowest=0, highest=10, whole=False)
    assert effect.template == "built-in/survey"


def test_the_score_of_an_anonymous_survey_is_asked_on_its_page() -> None:
    survey = message_of(asking("survey: nps").replace("kind: nps", "kind: nps\nanonymous: true")).survey
    assert survey is not None
    assert survey.whole


def refused(text: str, more: str = "", policies: str = "") -> Life:
    life = Life(text + more, policies=policies)
    life.world.outside.faults = [Fault(START, refuses=True, times=1)]
    return life


def test_a_survey_that_the_provider_refuses_ends_the_enrollment_where_its_step_says_so() -> None:
    life = refused(asking("survey: nps, wait: 5d, on_failure: exit")).event("0d", "Go").until("9d")
    assert life.timeline[1:] == [("0d", "skipped ask: provider_refused"), ("0d", "ended step_failed")]


def test_a_survey_that_the_provider_refuses_was_not_asked() -> None:
    other = "---\n" + CSAT + "playbook: q\ntopic: tips\nenter: {on: [{event: Again}]}\nsteps: [{survey: csat}]\n"
    life = refused(asking("survey: nps, wait: 5d"), other, "survey_cooldown: {any: 90d}")
    assert ("1d", "survey csat") in life.event("0d", "Go").event("1d", "Again").until("2d").timeline


def test_a_reminder_that_the_provider_refuses_leaves_the_step_waiting() -> None:
    life = Life(asking("survey: nps, wait: 9d, remind: [3d], on_failure: exit")).event("0d", "Go")
    life.world.outside.faults = [Fault(after("3d"), refuses=True, times=1)]
    assert life.answer("4d", "nps", 9).until("30d").timeline[-1] == ("4d", "ended promoter")


def test_while_a_response_is_awaited_the_step_says_that_there_is_none() -> None:
    life = Life(asking("survey: nps, wait: 5d")).event("0d", "Go").until("1d")
    assert life.enrollment.steps["ask"]["answered"] is False


def test_a_reminder_after_one_that_was_left_out_leaves() -> None:
    life = Life(asking("survey: nps, wait: 9d, remind: [3d, 6d]")).event("0d", "Go")
    life.put("2d", lambda world: world.consent("tips", given=False))
    life.put("4d", lambda world: world.consent("tips", given=True)).until("30d")
    assert life.timeline == [("0d", "survey nps"), ("6d", "survey nps"), ("9d", "ended silent")]


def test_a_reminder_that_has_not_left_by_the_limit_is_taken_back() -> None:
    life = Life(asking("survey: nps, wait: 4321m, remind: [3d]")).event("0d", "Go")
    life.world.outside.faults = [Fault(after("3d"), refuses=False, times=7)]
    life.until("9d")
    assert life.timeline[1:] == [("3d", "survey nps"), ("3d1m", "ended silent")]
    assert [each for each in life.journal if each.act == "ignored"] == []


def test_a_survey_that_was_skipped_right_before_it_left_was_not_asked() -> None:
    catalog = catalog_of(asking("survey: nps"))
    go = CustomerEvent(at=START, seq=1, name="Go")
    ana = Recipient(address="ana@example.com")
    known = new_customer("c1", "contact", "ana", START)
    told = [TraitsChanged(at=START, seq=0, traits={"email": "ana@example.com"}), go]
    before = advance(catalog, known, START, told, {"c1": ana})
    ended = EffectEnded(at=START, key=before.effects[0].key, outcome=Outcome.SKIPPED, reason="suppressed")
    decision = advance(catalog, before.state, START, [ended], {"c1": ana})
    assert (len(before.state.asks), decision.state.asks) == (1, [])
    (step,) = [each for each in decision.journal if each.step == "ask" and each.act == "step_ended"]
    assert (step.code, step.reason) == ("skipped", "suppressed")


def test_a_relational_survey_is_remembered_however_many_others_were_asked_since() -> None:
    life = Life(TWO, policies="survey_cooldown: {relational: 30d}\n").event("0d", "Nps")
    for day in range(1, 9):
        life.event(f"{day}d", "Csat")
    assert asked(life.event("29d", "Nps").until("30d"))[-1] == ("29d", "skipped ask: survey_cooldown")


def test_the_score_of_several_contacts_is_their_mean_to_six_decimals() -> None:
    reports: JsonObject = {name: {"answered": True, "score": score} for name, score in (("a", 1), ("b", 0), ("c", 0))}
    told = combined(None, {**reports, "d": {"answered": False}, "e": "gone"})
    assert told == {"answered": True, "score": 0.333333, "label": None, "comment": None}
