"""Scenarios: their models, and what is said of broken ones."""

from __future__ import annotations

from datetime import datetime

import pytest

from perennia.catalog.scenario_models import (
    BounceInput,
    ClickInput,
    ConsentInput,
    EmailExpected,
    EndedExpected,
    EndInput,
    EnrollInput,
    EventInput,
    LockInput,
    NeverExpected,
    OpenInput,
    PauseInput,
    ReplyInput,
    ResumeInput,
    Scenario,
    SkipInput,
    SkippedExpected,
    StageExpected,
    StageInput,
    SuppressInput,
    TaskDoneInput,
    TaskExpected,
    TraitsInput,
    UnlockInput,
    UnsubscribeInput,
)
from perennia.catalog.scenario_world import ProviderFault
from tests.support.workspaces import USUAL, Check, MakeWorkspace

BOOK = "playbook: p\ntopic: tips\nsteps: [{id: call, task: Call, wait: true, due: 9d}, {id: mail, email: hello}]\n---\n"
HEAD = "scenario: s\ncustomer: {id: ana}\nstart: 2026-03-02T10:00:00+01:00\nuntil: 30d\n"
YES = "YAML 1.2 knows true and false only; yes, no, on and off are words"

WHOLE = """\
scenario: a whole one
playbook: p
owner: {id: sam, email: sam@example.com}
customer: {id: ana, timezone: Europe/Madrid, traits: {plan: pro, seats: 5}, first_seen: 2026-01-01T00:00:00Z}
start: 2026-03-02T10:00:00+01:00
policies: {timezone: UTC, topics: {other: {kind: opt_in, name: Other}}}
provider: [{at: 0d, email: fails, times: 2}]
when:
  - {at: 0d, event: Account Created, properties: {a: 1}, id: m1, timestamp: 2026-03-01}
  - {at: 1d, traits: {plan: null}}
  - {at: 1d, task_done: call}
  - {at: 1d, open: mail}
  - {at: 1d, click: mail}
  - {at: 1d, reply: mail, key: 7}
  - {at: 1d, bounce: mail}
  - {at: 1d, consent: other}
  - {at: 1d, unsubscribe: other}
  - {at: 1d, suppress: true}
  - {at: 1d, enroll: p}
  - {at: 1d, skip: p}
  - {at: 1d, pause: p}
  - {at: 1d, resume: p}
  - {at: 1d, stage: {adoption: active}}
  - {at: 1d, lock: adoption, until: 2026-03-04, why: talks}
  - {at: 1d, unlock: adoption}
  - {at: 2026-03-05, end: p}
until: 30d
expect:
  - {at: 0d, email: "*"}
  - {at: 0d, task: Call}
  - {at: 1d, stage: {adoption: active}}
  - {at: 1d, skipped: {mail: suppressed}}
  - {at: 1d, ended: completed}
  - never: {email: hello}
strict: false
"""


@pytest.fixture
def whole(make_workspace: MakeWorkspace) -> Scenario:
    workspace = make_workspace({**USUAL, "playbooks/p.yaml": BOOK + WHOLE})
    assert [str(finding) for finding in workspace.findings] == []
    return workspace.scenarios[0].scenario


def test_each_input_is_told_apart_by_its_key(whole: Scenario) -> None:
    assert [type(item) for item in whole.when] == [
        *(EventInput, TraitsInput, TaskDoneInput, OpenInput, ClickInput, ReplyInput, BounceInput),
        *(ConsentInput, UnsubscribeInput, SuppressInput, EnrollInput),
        *(SkipInput, PauseInput, ResumeInput, StageInput, LockInput, UnlockInput, EndInput),
    ]


def test_each_expectation_is_told_apart_by_its_key(whole: Scenario) -> None:
    assert [type(item) for item in whole.expect] == [
        *(EmailExpected, TaskExpected, StageExpected, SkippedExpected, EndedExpected, NeverExpected)
    ]


def test_a_moment_is_a_span_or_an_instant(whole: Scenario) -> None:
    assert (whole.when[0].at, whole.when[-1].at) == ("0d", datetime(2026, 3, 5))  # noqa: DTZ001 - wall-clock time is naive


def test_a_fault_of_the_provider_has_a_count(whole: Scenario) -> None:
    assert whole.provider == (ProviderFault(at="0d", email="fails", times=2),)


def test_never_holds_an_expectation_without_a_time(whole: Scenario) -> None:
    assert whole.expect[5] == NeverExpected(never=EmailExpected(email="hello"))


def test_the_line_of_an_expectation_is_known(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({**USUAL, "playbooks/p.yaml": BOOK + WHOLE})
    assert workspace.scenarios[0].line_of("expect", 2) == 35


def test_policies_of_a_scenario_replace_the_keys_they_name(make_workspace: MakeWorkspace, whole: Scenario) -> None:
    policies = make_workspace(USUAL).policies
    assert policies is not None
    assert whole.policies is not None
    changed = whole.policies.over(policies)
    assert (changed.timezone, list(changed.topics), changed.default_sender) == ("UTC", ["other"], "hello")


@pytest.mark.parametrize(
    ("body", "findings"),
    [
        (
            "when: [{at: 1d, answer: {score: 9}}]",
            ['9:17: error missing-key: an answer needs "survey"'],
        ),
        (
            "when: [{at: 1d, answer: {survey: nps, score: 9}}]",
            ['9:34: error unknown-survey: no survey "nps"; there is no survey yet: define one first'],
        ),
        ("when: [{at: 1d, evnt: A}]", ['9:17: error unknown-key: no input "evnt"; did you mean "event"?']),
        (
            "when: [{at: 1d, event: A, traits: {a: 1}}]",
            ['9:27: error two-verbs: an input has one of "event" and "traits", not both; make it two inputs'],
        ),
        (
            "when: [{at: soon, event: A}]",
            ['9:13: error bad-span: "soon" is no span; write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D'],
        ),
        (
            "when: [{at: 2026-13-01, event: A}]",
            ['9:13: error wrong-value: "at": "2026-13-01" is no instant; write it like 2026-03-02T10:00:00+01:00'],
        ),
        (
            "when: [{at: 1d, event: A, contact: bob}]",
            ['9:36: error unknown-contact: no contact "bob"; there is no contact yet: define one first'],
        ),
        ("when: [{at: 1d, task_done: mail}]", ['9:28: error unknown-step: no step "mail"; known: call']),
        ("when: [{at: 1d, consent: tipps}]", ['9:26: error unknown-topic: no topic "tipps"; did you mean "tips"?']),
        (
            "when: [{at: 1d, lock: adopted}]",
            ['9:23: error unknown-track: no track "adopted"; did you mean "adoption"?'],
        ),
        (
            "when: [{at: 1d, stage: {adoption: actve}}]",
            ['9:35: error unknown-stage: no stage "actve"; did you mean "active"?'],
        ),
        ("when: [{at: 1d, pause: q}]", ['9:24: error unknown-playbook: no playbook "q"; known: p']),
        ("when: [{at: 1d, suppress: yes}]", ['9:27: error wrong-value: "suppress" must be true, not "yes"']),
        (
            "variants: {mail: b}",
            ['9:12: error unknown-split: no split "mail"; there is no split yet: define one first'],
        ),
        ("strict: no", [f'9:9: error wrong-type: "strict" must be true or false, not "no"; {YES}']),
        ("playbook: [p, q]", ['9:15: error unknown-playbook: no playbook "q"; known: p']),
        (
            "playbook: p\nscope: account",
            [
                '9:11: error wrong-scope: the playbook "p" is about contacts, the customer of this scenario is no contact; '
                'add "scope: contact"'
            ],
        ),
        (
            "provider: [{at: 0d, email: fail}]",
            ['9:28: error wrong-value: "email" must be "fails" or "refuses", not "fail"'],
        ),
        (
            "provider: [{at: 0d, task: fails}]",
            [
                '9:21: error unknown-key: no key "task" in a provider fault: tasks and approvals are opened by Perennia '
                "itself, and no provider can fail them"
            ],
        ),
        (
            "provider: [{at: 0d, email: fails, times: 0}]",
            ['9:42: error wrong-value: "times" must be at least 1, not 0'],
        ),
    ],
)
def test_what_happens_is_checked(check: Check, body: str, findings: list[str]) -> None:
    expect = "expect: [{never: {email: hello}}]\n"
    text = f"{BOOK}{HEAD}{body}\n{expect}"
    assert check(text) == [f"playbooks/p.yaml:{finding}" for finding in findings]


@pytest.mark.parametrize(
    ("item", "findings"),
    [
        ("{at: 1d, survey: nps}", ['no survey "nps"; there is no survey yet: define one first']),
        ("{at: 1d, emial: x}", ['no expectation "emial"; did you mean "email"?']),
        ("{email: hello}", ['an expectation needs "at"; say when, or write never']),
        ("{never: {at: 1d, email: hello}}", ['"never" means the whole scenario: nothing inside it takes "at"']),
        ("{at: 1d, never: {email: hello}}", ['"never" means the whole scenario and takes no "at"']),
        ("{never: {tsk: x}}", ['no expectation "tsk"; did you mean "task"?']),
        ("{at: 1d, email: helo}", ['no template "helo"; did you mean "hello"?']),
        ("{at: 1d, stage: {adoption: actve}}", ['no stage "actve"; did you mean "active"?']),
        ("{at: 1d, stage: {adopted: new}}", ['no track "adopted"; did you mean "adoption"?']),
        ('{at: 1d, stage: {adoption: "*"}}', []),
        ("{at: 1d, skipped: {male: suppressed}}", ['no step "male"; did you mean "mail"?']),
    ],
)
def test_expectations_are_checked(check: Check, item: str, findings: list[str]) -> None:
    printed = check(f"{BOOK}{HEAD}expect: [{item}]\n")
    assert [line.split(": ", 2)[2] for line in printed] == findings


def test_two_scenarios_of_one_name_are_refused(check: Check) -> None:
    scenario = f"{HEAD}expect: [{{never: {{email: hello}}}}]\n"
    assert check(f"{BOOK}{scenario}---\n{scenario}") == [
        'playbooks/p.yaml:11:11: error duplicate-id: the scenario "s" exists already, in playbooks/p.yaml:5; '
        "give one of them another id"
    ]


def test_a_zone_that_does_not_exist_is_found(check: Check) -> None:
    head = HEAD.replace("{id: ana}", "{id: ana, timezone: Europe/Madird}")
    assert check(f"{BOOK}{head}expect: [{{never: {{email: hello}}}}]\n") == [
        'playbooks/p.yaml:6:31: error unknown-zone: no time zone "Europe/Madird"; write one like Europe/Berlin'
    ]
