"""Approvals, the CRM, webhooks, notices, and tasks that are late (language, section 5)."""

from __future__ import annotations

import pytest

from perennia.core.advance import advance, new_customer
from perennia.core.decisions import CustomerEvent, EffectEnded, Outcome, SendEmail, TraitsChanged
from perennia.core.definitions import Policies
from perennia.core.json_values import JsonObject
from perennia.core.state import Recipient
from perennia.simulate.outside import Answered, Fault, RenderingProblem
from perennia.simulate.world import World
from tests.support.lives import START, Life, after, catalog_of

HEAD = """
playbook: p
topic: tips
enter:
  on: [{event: Go}]
steps:
"""
ASK = (
    HEAD
    + """
  - id: ask
    approve: Give a discount?
    by: owner
    within: 2d
    then: [{wait: 1h}, {email: given}]
    else: [{wait: 1h}, {email: sorry}]
  - email: after
"""
)
OWNED: JsonObject = {
    "owner": {"id": "sam", "email": "sam@acme.example"},
    "team": {"csm": "kim", "sales": {"id": "lee"}},
}


def lived(text: str, *, traits: JsonObject | None = None, until: str = "10d") -> Life:
    return Life(text, traits={**OWNED, **(traits or {})}).event("0d", "Go").until(until)


# --- approvals ------------------------------------------------------------------------------------------------------


def test_what_is_approved_goes_on_with_then_and_counts_from_the_answer() -> None:
    life = Life(ASK, traits=OWNED).event("0d", "Go").decide("1d", "ask", "approved").until("10d")
    assert life.timeline == [
        ("0d", 'approve "Give a discount?"'),
        ("1d1h", "email given"),
        ("1d1h", "email after"),
        ("1d1h", "ended completed"),
    ]


def test_what_is_denied_goes_on_with_else_and_counts_from_the_answer() -> None:
    life = Life(ASK, traits=OWNED).event("0d", "Go").decide("5h", "ask", "denied").until("10d")
    assert life.timeline[1:3] == [("5h", "skipped ask: approval_denied"), ("6h", "email sorry")]


def test_silence_is_a_no_and_counts_from_the_time_limit() -> None:
    life = lived(ASK)
    assert life.timeline[1:3] == [("2d", "skipped ask: approval_timeout"), ("2d1h", "email sorry")]


def test_silence_is_a_yes_where_the_step_says_so() -> None:
    life = lived(ASK.replace("within: 2d", "within: 2d\n    on_timeout: allow"))
    assert life.timeline[1:3] == [("2d1h", "email given"), ("2d1h", "email after")]


def test_an_answer_at_the_very_end_of_the_time_still_counts() -> None:
    life = Life(ASK, traits=OWNED).event("0d", "Go").decide("2d", "ask", "approved").until("10d")
    assert life.timeline[1] == ("2d1h", "email given")


def test_an_answer_after_the_time_limit_changes_nothing() -> None:
    life = Life(ASK, traits=OWNED).event("0d", "Go").decide("3d", "ask", "approved").until("10d")
    assert ("2d1h", "email sorry") in life.timeline
    assert "email given" not in [what for _, what in life.timeline]
    assert [entry.code for entry in life.journal if entry.act == "ignored"] == ["approved"]


def test_an_approval_nobody_limits_waits_as_long_as_the_enrollment_lives() -> None:
    text = HEAD + "  - id: ask\n    approve: Well?\n    then: [{email: a}]\n"
    life = Life(text).event("0d", "Go").decide("300d", "ask", "approved").until("301d")
    assert life.timeline[1] == ("300d", "email a")


def test_an_exit_withdraws_the_question() -> None:
    life = Life(ASK + "exit:\n  - when: traits.gone == true\n", traits=OWNED).event("0d", "Go").traits("1d", gone=True)
    life.decide("1d12h", "ask", "approved").until("10d")
    assert life.timeline == [("0d", 'approve "Give a discount?"'), ("1d", "ended exit_criteria")]


def test_later_steps_see_the_decision() -> None:
    text = (
        HEAD
        + """
  - id: ask
    approve: Well?
    within: 1d
  - email: yes
    if: steps.ask.decision == "approved"
  - email: no
    if: steps.ask.outcome == "skipped" && steps.ask.reason == "approval_denied"
"""
    )
    life = Life(text).event("0d", "Go").decide("1h", "ask", "denied").until("2d")
    assert [what for _, what in life.timeline if what.startswith("email")] == ["email no"]


def test_while_is_looked_at_before_somebody_is_asked() -> None:
    life = lived(ASK.replace("steps:", "while: traits.plan == 'pro'\nsteps:"))
    assert life.timeline == [("0d", "ended not_while")]


def test_a_paused_enrollment_asks_when_it_goes_on() -> None:
    text = ASK.replace("steps:\n", "steps:\n  - wait: 1d\n")
    life = Life(text, traits=OWNED).event("0d", "Go").pause("1h", "p").resume("4d", "p").until("10d")
    assert life.timeline[:2] == [("4d", 'approve "Give a discount?"'), ("6d", "skipped ask: approval_timeout")]


def test_a_pause_for_everybody_leaves_an_open_question_where_it_is() -> None:
    life = Life(ASK, traits=OWNED).event("0d", "Go").for_all("1h", "pause", "p").for_all("2h", "skip", "p")
    life.decide("1d", "ask", "approved").until("10d")
    assert life.timeline[1] == ("1d1h", "email given")


def test_a_new_version_limits_an_open_question_anew_from_when_it_was_asked() -> None:
    later = ASK.replace("within: 2d", "within: 5d")
    life = Life(ASK, traits=OWNED).event("0d", "Go").publish("1d", later, "migrate").until("10d")
    assert life.timeline[1] == ("5d", "skipped ask: approval_timeout")
    late = ASK.replace("within: 2d", "within: 1h")
    life = Life(ASK, traits=OWNED).event("0d", "Go").publish("1d", late, "migrate").until("10d")
    assert life.timeline[1] == ("1d", "skipped ask: approval_timeout")


# --- tasks ----------------------------------------------------------------------------------------------------------

LATE = (
    HEAD
    + "  - id: call\n    task: Call\n    assign: {role: csm}\n    priority: low\n    escalate: {after: 2d, to: owner}\n"
)


def test_a_late_task_goes_to_somebody_else_one_priority_higher() -> None:
    life = lived(LATE)
    assert life.timeline[-1] == ("2d", 'escalated "Call" to sam')
    (entry,) = [entry for entry in life.journal if entry.act == "escalated"]
    assert entry.detail["priority"] == "normal"


def test_a_task_that_is_done_is_not_escalated() -> None:
    life = Life(LATE, traits=OWNED).event("0d", "Go").done("1d23h", "call").until("10d")
    assert not [what for _, what in life.timeline if what.startswith("escalated")]


def test_a_role_is_held_by_somebody_of_the_team() -> None:
    (released,) = [entry for entry in lived(LATE).journal if entry.act == "released"]
    assert released.detail["assignee"] == "kim"
    text = LATE.replace("{role: csm}", "'role: sales'")
    (released,) = [entry for entry in lived(text).journal if entry.act == "released"]
    assert released.detail["assignee"] == "lee"


def test_a_task_for_a_role_that_nobody_holds_is_unassigned() -> None:
    (released,) = [entry for entry in lived(LATE.replace("csm", "legal")).journal if entry.act == "released"]
    assert released.detail["assignee"] is None


# --- the CRM, webhooks, notices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("crm: {set: {plan: traits.plan, seats: 3}}", 'crm set {"plan": "pro", "seats": 3}'),
        ("crm: {note: Went well}", 'crm note "Went well"'),
        ("crm: {task: Call}", 'crm task "Call"'),
        ("crm: {stage: Onboarding}", 'crm stage "Onboarding"'),
        ("webhook: {url: 'https://example.com/x'}", "webhook https://example.com/x"),
        ("{notify: cs-team, text: Look here}", 'notify cs-team "Look here"'),
    ],
)
def test_other_systems_are_told_and_the_enrollment_goes_on(step: str, shown: str) -> None:
    life = lived(HEAD + f"  - {step}\n  - email: next\n", traits={"plan": "pro"})
    assert life.timeline[:2] == [("0d", shown), ("0d", "email next")]


def test_a_value_for_the_crm_that_cannot_be_worked_out_fails_the_step() -> None:
    life = lived(HEAD + "  - crm: {set: {seats: traits.seats + 1}}\n  - email: next\n")
    assert life.timeline[:2] == [("0d", "skipped crm-1: expression_error"), ("0d", "email next")]


def test_a_contact_without_an_account_has_no_account_to_write_to() -> None:
    life = lived(HEAD + "  - {crm: {note: Well}, on: account}\n")
    assert life.timeline[0] == ("0d", "skipped crm-1: no_recipient")


def test_a_write_about_the_account_names_the_account() -> None:
    life = Life(HEAD + "  - {crm: {note: Well, on: account}}\n").account("0d").event("1d", "Go").until("2d")
    (released,) = [entry for entry in life.journal if entry.act == "released"]
    assert released.detail["record"] == "account"


@pytest.mark.parametrize(("kind", "step"), [("crm", "crm: {note: N}"), ("notify", "{notify: c, text: N}")])
def test_a_fault_keeps_only_its_own_kind_waiting(kind: str, step: str) -> None:
    life = Life(HEAD + f"  - email: first\n  - {step}\n  - wait: 1h\n  - email: next\n")
    life.world.outside.faults = [Fault(at=after("0d"), refuses=False, times=3, kind=kind)]
    life.event("0d", "Go").until("1d")
    # Its own end came 7 s later; the wait counts from its release.
    assert [at for at, what in life.timeline if what.startswith("email")] == ["0d", "1h"]


def test_what_a_webhook_refuses_is_seen_later_and_can_end_the_enrollment() -> None:
    text = (
        HEAD
        + "  - {id: call, webhook: {url: 'https://example.com'}}\n  - {email: sorry, if: steps.call.status == 400}\n"
    )
    for on_failure, expected in (("continue", "email sorry"), ("exit", "ended step_failed")):
        life = Life(text.replace("{id: call,", f"{{id: call, on_failure: {on_failure},"))
        life.world.outside.faults = [Fault(at=after("0d"), refuses=True, times=1, kind="webhook")]
        life.event("0d", "Go").until("1d")
        assert life.timeline[1:3] == [("0d", "skipped call: provider_refused"), ("0d", expected)]


class Strict:
    """Renders nothing and misses every name."""

    def title(self, text: str, effect: Answered, policies: Policies) -> str:
        assert effect.context, policies
        if "{{" in text:
            raise RenderingProblem("nothing is there")
        return text

    def message(self, effect: SendEmail, policies: Policies) -> None:
        assert effect.context, policies


@pytest.mark.parametrize(
    "step",
    [
        "{id: s, approve: '{{ x }}', else: [{email: no}], then: [{email: yes}]}",
        "{id: s, notify: c, text: '{{ x }}'}",
        "{id: s, crm: {note: '{{ x }}'}}",
        "{id: s, webhook: {url: 'https://example.com', body: {deep: ['{{ x }}']}}}",
    ],
)
def test_a_missing_name_in_a_text_fails_the_step(step: str) -> None:
    life = Life(HEAD + f"  - {step}\n")
    world = World(life.catalog, life.world.state, Strict())
    life.world = world
    life.traits("0d", email="ana@example.com").event("0d", "Go").until("1d")
    assert life.timeline[1] == ("0d", "skipped s: template_error")
    assert ("0d", "email yes") not in life.timeline


def test_a_task_that_is_waited_for_is_known_as_open() -> None:
    text = "playbook: p\nenter: {on: [{event: Go}]}\nsteps: [{id: call, task: Call, wait: true}]\n"
    assert Life(text).event("0d", "Go").until("1h").enrollment.steps == {"call": {"status": "open"}}


# --- effects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "priority"), [("{task: Call}", 70), ("{email: a}", 70), ("{email: a, priority: 30}", 30)]
)
def test_an_effect_has_the_priority_of_its_step_or_else_of_its_playbook(step: str, priority: int) -> None:
    catalog = catalog_of(f"playbook: p\ntopic: tips\npriority: 70\nenter: {{on: [{{event: Go}}]}}\nsteps: [{step}]\n")
    told = [TraitsChanged(at=START, traits={"email": "ana@example.com"}), CustomerEvent(at=START, seq=1, name="Go")]
    ana = Recipient(address="ana@example.com", ledger=())
    decision = advance(catalog, new_customer("c1", "contact", "ana", START), START, told, {"c1": ana})
    assert [each.priority for each in decision.effects] == [priority]


def test_the_end_of_an_effect_whose_enrollment_is_over_is_noted() -> None:
    ended = EffectEnded(at=START, key="c1/p.1/call/1", outcome=Outcome.FAILED, reason="provider_refused")
    decision = advance(catalog_of(ASK), new_customer("c1", "contact", "ana", START), START, [ended], {})
    assert [(each.act, each.code, each.step, each.reason, each.detail) for each in decision.journal] == [
        ("ignored", "failed", "call", "provider_refused", {"enrollment": "p.1"})
    ]
