"""What becomes of an account's messages to its contacts, and of the answers of contacts who come and go."""

from __future__ import annotations

from perennia.core.advance import Decision, advance, new_customer
from perennia.core.decisions import (
    AccountTraitsChanged,
    ContactChanged,
    CustomerEvent,
    EnrollOrder,
    ErrandCancelled,
    ErrandEnded,
    ErrandGiven,
    ErrandWarranted,
    Input,
    SurveyAnswered,
    TraitsChanged,
)
from tests.support.lives import START, Life, after, catalog_of
from tests.support.yaml_scenarios import differences

REVIEW = """
playbook: review
scope: account
topic: tips
enter: {on: [{event: Review Due}]}
steps:
  - {id: invite, email: invite, to: {role: admin}}
  - wait_for:
      - clicked: invite
        then: [{task: Call them}]
    up_to: 5d
    else: [{task: Nobody clicked}]
  - wait: 1d
  - branch:
      - if: steps.invite.replied == true
        then: [{task: Read it}]
      - if: steps.invite.opened == false
        then: [{task: Nobody opened}]
"""
ACME = """
scenario: s
customer:
  id: acme
  contacts:
    - {id: ana, email: ana@example.com, roles: [admin]}
    - {id: bo, email: bo@example.com, roles: [admin]}
start: 2026-03-02T10:00:00Z
until: 30d
when:
  - {at: 1d, event: Review Due}
"""
SENT = """
expect:
  - {at: 1d, email: invite, contact: ana}
  - {at: 1d, email: invite, contact: bo}
"""


def test_an_account_goes_on_when_one_of_its_contacts_has_clicked() -> None:
    scenario = f"""
  - {{at: 2d, click: invite, contact: bo}}
  - {{at: 60h, reply: invite, contact: ana}}
{SENT}
  - {{at: 2d, task: Call them}}
  - {{at: 3d, task: Read it}}
"""
    assert differences(REVIEW, ACME + scenario) == ""


def test_an_account_knows_that_none_of_its_contacts_has_opened_a_message() -> None:
    scenario = f"{SENT}  - {{at: 6d, task: Nobody clicked}}\n  - {{at: 7d, task: Nobody opened}}\n"
    assert differences(REVIEW, ACME + scenario) == ""


def test_what_one_contact_does_with_a_message_leaves_what_is_known_of_the_others() -> None:
    text = REVIEW.replace("steps.invite.replied == true", "steps.invite.messages.ana.outcome == 'sent'")
    scenario = f"""
  - {{at: 2d, click: invite, contact: bo}}
{SENT}
  - {{at: 2d, task: Call them}}
  - {{at: 3d, task: Read it}}
"""
    assert differences(text, ACME + scenario) == ""


MEAN = """
survey: nps
kind: nps
question: How likely?
---
playbook: happy
scope: account
enter: {on: [{when: answers.nps.score >= 9}]}
steps: [{task: Ask for a reference}]
"""


def contact(at: str, who: str, roles: tuple[str, ...] | None, **answers: float) -> ContactChanged:
    return ContactChanged(at=after(at), contact=who, ref=who, roles=roles, answers=answers)


def acme() -> Life:
    life = Life(MEAN, kind="account")
    for who, score in (("bo", 4), ("ana", 10)):
        life.put("1d", contact("1d", who, ()))
        life.put("1d", SurveyAnswered(at=after("1d"), survey="nps", score=score, contact=who))
    return life


def test_the_answers_of_a_contact_who_leaves_are_no_part_of_the_mean_any_more() -> None:
    life = acme().put("3d", contact("3d", "bo", None)).until("5d")
    assert life.timeline[0] == ("3d", 'task "Ask for a reference"')


def test_a_contact_who_joins_brings_its_answers() -> None:
    life = Life(MEAN, kind="account").put("2d", contact("2d", "cy", (), nps=9)).until("5d")
    assert life.timeline[0] == ("2d", 'task "Ask for a reference"')


def test_the_last_to_leave_leaves_no_answer() -> None:
    life = acme().put("3d", contact("3d", "bo", None)).put("4d", contact("4d", "ana", None)).until("5d")
    assert life.world.state.facts.answers == {}


def test_an_account_s_log_says_whose_answer_it_was() -> None:
    told = [each.detail["contact"] for each in acme().until("2d").journal if each.act == "answered"]
    assert told == ["bo", "ana"]


WHILE = """
playbook: review
scope: account
topic: tips
while: traits.status == "customer"
enter: {on: [{event: Review Due}]}
steps:
  - {id: invite, email: invite, to: {role: admin}}
  - wait: 1h
  - task: Look at it
"""
NIGHT = """
scenario: s
policies: {quiet_hours: {window: "21:00-08:00"}}
customer:
  id: acme
  traits: {status: customer}
  contacts:
    - {id: ana, email: ana@example.com, roles: [admin], timezone: Europe/Berlin}
    - {id: bo, email: bo@example.com, roles: [admin], timezone: America/New_York}
start: 2026-03-02T20:00:00Z
until: 30d
when:
  - {at: 1h, event: Review Due}
"""


def test_a_held_message_to_a_contact_does_not_leave_where_the_accounts_playbook_goes_on_no_more() -> None:
    # It is 16:00 in New York and 22:00 in Berlin, where it could leave at 08:00 (07:00 UTC).
    scenario = """
  - {at: 2h, traits: {status: churned}}
expect:
  - {at: 1h, email: invite, contact: bo}
  - {at: 11h, skipped: {invite: not_while}, contact: ana}
  - {at: 11h, ended: not_while}
"""
    assert differences(WHILE.replace("wait: 1h", "wait: 1d"), NIGHT + scenario) == ""


def test_a_while_that_holds_again_when_the_held_message_could_leave_lets_it() -> None:
    scenario = """
  - {at: 2h, traits: {status: churned}}
  - {at: 3h, traits: {status: customer}}
expect:
  - {at: 1h, email: invite, contact: bo}
  - {at: 11h, email: invite, contact: ana}
  - {at: 12h, task: Look at it}
"""
    assert differences(WHILE, NIGHT + scenario) == ""


def test_time_alone_can_turn_the_while_of_a_held_message_to_a_contact() -> None:
    idle = WHILE.replace('traits.status == "customer"', 'happened("Review Due", "9h")')
    scenario = """
expect:
  - {at: 1h, email: invite, contact: bo}
  - {at: 11h, ended: not_while}
"""
    assert differences(idle, NIGHT + scenario) == ""


def test_an_account_that_gives_a_step_to_its_contacts_tells_them_once_what_has_changed() -> None:
    catalog = catalog_of(REVIEW)
    told: list[Input] = [
        contact("0d", "ana", ("admin",)),
        TraitsChanged(at=START, seq=1, traits={"plan": "pro"}),
        CustomerEvent(at=START, seq=2, name="Review Due"),
    ]
    decision = advance(catalog, new_customer("acme", "account", "acme", START), START, told, {})
    assert [type(each.input) for each in decision.tellings] == [AccountTraitsChanged, ErrandGiven]


def test_contacts_who_come_and_go_are_watched_only_while_an_account_waits_for_one() -> None:
    told: list[Input] = [contact("0d", "ana", ("admin",))]
    idle = advance(catalog_of(REVIEW), new_customer("acme", "account", "acme", START), START, told, {})
    due = CustomerEvent(at=START, seq=2, name="Review Due")
    waiting = advance(catalog_of(REVIEW), idle.state, START, [due], {})
    assert ("contacts" in idle.watching, "contacts" in waiting.watching) == (False, True)


TRACK = "track: t\nscope: account\nstages: [{id: s0}, {id: s1, enter: happened('Used')}]\n"


def at_acme(text: str, *told: Input) -> Decision:
    return advance(catalog_of(text), new_customer("acme", "account", "acme", START), START, told, {})


def at_ana(text: str, *told: Input) -> Decision:
    joined = AccountTraitsChanged(at=START, account="acme", traits={})
    return advance(catalog_of(text), new_customer("c1", "contact", "ana", START), START, [joined, *told], {})


def test_contacts_are_told_that_their_account_has_moved() -> None:
    before = at_acme(TRACK, contact("0d", "ana", ()))
    used = CustomerEvent(at=START, seq=2, name="Used")
    (told,) = advance(catalog_of(TRACK), before.state, START, [used], {}).tellings
    assert isinstance(told.input, AccountTraitsChanged)
    assert told.input.stages == {"t": ("s1", START)}


def test_an_account_is_told_of_roles_that_a_step_changes() -> None:
    book = "playbook: p\nenter: {on: [{event: Go}]}\nsteps: [{update: {roles: '[\"admin\"]'}}]\n"
    (told,) = at_ana(book, CustomerEvent(at=START, seq=2, name="Go")).tellings
    assert told.input == ContactChanged(at=START, contact="c1", ref="ana", roles=("admin",))


def test_who_joins_before_the_step_that_enrolls_late_joiners_is_not_enrolled_yet() -> None:
    book = """
playbook: p
scope: account
enter: {on: [{event: Go}]}
steps: [{wait: 5d}, {enroll: c, to: all, late_joiners: true}]
---
playbook: c
steps: [{milestone: m}]
"""
    decision = at_acme(book, CustomerEvent(at=START, seq=1, name="Go"), contact("0d", "ana", ()))
    assert [each for each in decision.tellings if isinstance(each.input, EnrollOrder)] == []


def test_an_errand_of_a_playbook_that_is_not_known_is_reported_as_failed() -> None:
    given = ErrandGiven(at=START, key="acme/p.1/ask/1/c1", playbook="p", version="v", step="ask")
    (told,) = at_ana(TRACK, given).tellings
    assert isinstance(told.input, ErrandEnded)
    assert (told.to, told.input.result) == ("acme", {"outcome": "failed", "reason": "unknown_playbook"})


def test_what_an_account_says_of_its_errands_is_nothing_to_a_contact_s_own_playbooks() -> None:
    book = "playbook: p\nenter: {on: [{event: Go}]}\nsteps: [{wait: 5d}]\n"
    go = CustomerEvent(at=START, seq=1, name="Go")
    told = [
        ErrandWarranted(at=START, key="acme/p.1/ask/1/c1", holds=False),
        ErrandCancelled(at=START, key="acme/p.1/ask/1/c1"),
    ]
    assert [each.id for each in at_ana(book, go, *told).state.enrollments] == ["p.1"]


def test_of_a_playbook_that_contacts_were_enrolled_in_nothing_is_known_before_the_first_reports() -> None:
    book = """
playbook: p
scope: account
enter: {on: [{event: Go}]}
steps: [{id: each, enroll: c, to: all, wait: true}]
---
playbook: c
steps: [{wait: 1d}]
"""
    decision = at_acme(book, contact("0d", "ana", ()), CustomerEvent(at=START, seq=2, name="Go"))
    assert [each.steps for each in decision.state.enrollments] == [{"each": {"messages": {}}}]
