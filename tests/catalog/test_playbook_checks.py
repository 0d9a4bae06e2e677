"""Playbooks of the right form that cannot be meant: references, expressions, spans, messages, ways through."""

from __future__ import annotations

import pytest

from tests.support.workspaces import Check

BOOK = "playbook: p\ntopic: tips\n"
ONE_STEP = "steps: [{email: hello}]\n"
SPANS = "write 90s, 30m, 12h, 3d, 2w, 1d12h, 2bd or P3D"

EXPRESSIONS: list[tuple[str, list[str]]] = [
    ("goal:\n  when: traits.plan ==\n", ["4:23: error bad-expression: found the end where a value should be"]),
    ("goal: {when: trait.x == 1}\n", ['3:14: error bad-expression: unknown name "trait"; did you mean "traits"?']),
    (
        'while: >-\n  traits.plan == "pro"\n  && trait.x == 1\n',
        ['5:6: error bad-expression: unknown name "trait"; did you mean "traits"?'],
    ),
    (
        'while: "traits.name == \\"a\\" && trait.x == 1"\n',
        ['3:33: error bad-expression: unknown name "trait"; did you mean "traits"?'],
    ),
    (
        "goal: {when: event.x > 1}\n",
        [
            '3:14: error bad-expression: "event" is not known here; '
            "known here: account, answers, contact, enter, health, stage, steps, traits"
        ],
    ),
    (
        "enter:\n  on:\n    - when: steps.a.outcome == 'sent'\n",
        [
            '5:13: error bad-expression: "steps" is not known here; known here: account, answers, contact, health, stage, traits'
        ],
    ),
    (
        "enter:\n  where: steps.a.outcome == 'sent'\n",
        [
            '4:10: error bad-expression: "steps" is not known here; '
            "known here: account, answers, contact, enter, health, stage, traits"
        ],
    ),
    ("enter:\n  on: [{event: A, where: event.x > traits.x}]\n  where: enter.x > 1\n", []),
    ("exit: [{when: trait.x == 1}]\n", ['3:15: error bad-expression: unknown name "trait"; did you mean "traits"?']),
    (
        "while: health >= 50\n",
        [
            '3:8: error unknown-health: "health" alone is for where one is defined; of contacts there are 0; '
            "define one first"
        ],
    ),
    (
        "while: answers.nps.score >= 9\n",
        ['3:8: error unknown-survey: no survey "nps"; there is no survey yet: define one first'],
    ),
    (
        'while: traits.x == 1 && in_segment("S")\n',
        ['3:36: error bad-expression: no segment "S"'],
    ),
    ("while: stage.adopted == 'new'\n", ['3:8: error unknown-track: no track "adopted"; did you mean "adoption"?']),
    ('while: in_stage("adoption", "active", "30d")\n', []),
    ("while: stage.rollout == 'start'\n", []),
    ("enter: {reenter: {after: 3 days}}\n", [f'3:26: error bad-span: "3 days" is no span; {SPANS}']),
    ("goal: {when: traits.x == 1, within: 2y}\n", [f'3:37: error bad-span: "2y" is no span; {SPANS}']),
    ("enter: {on: [{event: '*'}]}\n", ['3:23: error bad-event: "*" names no event']),
    ("enter: {on: [{event: 'a*b'}]}\n", ["3:24: error bad-event: * may only end a name"]),
    ("enter: {on: [{event: Order *}]}\n", []),
]

STEPS: list[tuple[str, list[str]]] = [
    ("- wait: 3x", [f'4:9: error bad-span: "3x" is no span; {SPANS}']),
    ("- wait_for: [{event: A}]\n  up_to: soon", [f'5:10: error bad-span: "soon" is no span; {SPANS}']),
    ("- task: Call\n  due: tomorrow", [f'5:8: error bad-span: "tomorrow" is no span; {SPANS}']),
    (
        "- id: welcome\n  email: hello\n- if: steps.welcom.outcome == 'sent'\n  exit: a",
        ['6:13: error unknown-step: no step "welcom"; did you mean "welcome"?'],
    ),
    (
        '- id: first-mail\n  email: hello\n- if: steps["first-mial"].outcome == "sent"\n  exit: a',
        ['6:14: error unknown-step: no step "first-mial"; did you mean "first-mail"?'],
    ),
    ('- email: hello\n- if: steps["email-1"].outcome == "sent"\n  exit: a', []),
    (
        "- id: a\n  wait: 1d\n- branch:\n  - if: traits.x == 1\n    then: [{id: a, wait: 1d}]",
        ['8:17: error duplicate-id: the step id "a" is taken by the step in line 4; give one of them another id'],
    ),
    (
        "- id: email-2\n  email: hello\n- email: hello",
        ['6:10: error duplicate-id: the step id "email-2" is taken by the step in line 4; give one of them another id'],
    ),
    ("- stage: {adoptoin: new}", ['4:11: error unknown-track: no track "adoptoin"; did you mean "adoption"?']),
    ("- stage: {adoption: actve}", ['4:21: error unknown-stage: no stage "actve"; did you mean "active"?']),
    ("- update: {a: traits.x +, b: 3, c: null}", ["4:25: error bad-expression: found the end where a value should be"]),
    (
        "- email: hello\n  with: {a: trait.x}",
        ['5:13: error bad-expression: unknown name "trait"; did you mean "traits"?'],
    ),
    ("- email: helo", ['4:10: error unknown-template: no template "helo"; did you mean "hello"?']),
    ("- email: hello\n  topic: newz", ['5:10: error unknown-topic: no topic "newz"; did you mean "news"?']),
    ("- email: hello\n  from: helo", ['5:9: error unknown-sender: no sender "helo"; did you mean "hello"?']),
    ("- email: hello\n  from: owner", []),
    (
        "- email: bare",
        [
            '4:10: error no-way-out: the template "bare" has no {{ unsubscribe_url }} and no {{ preferences_url }}; '
            "a message with a topic needs one of them, in itself or its layout"
        ],
    ),
    ("- email: bare\n  transactional: true", []),
    ("- email: bare\n  to: owner", []),
    (
        "- task: Call {{ contakt.first_name }}",
        ['4:17: error unknown-name: no text of this playbook knows the name "contakt"; did you mean "contact"?'],
    ),
    ("- task: Call {{ owner.first_name }}", []),
    (
        "- task: Call\n  body: |\n    one\n    {{ two",
        ["7:5: error bad-template: unexpected end of template, expected 'end of print statement'"],
    ),
    (
        "- wait_for: [{event: A}]",
        ['4:3: warning endless-wait: without "up_to" this waits as long as the enrollment lives; add "up_to: SPAN"'],
    ),
    (
        "- wait_for: [{event: A}]\n  else: [{exit: a}]",
        ['5:3: error unreachable-step: without "up_to" its "else" is never taken; add "up_to: SPAN"'],
    ),
    (
        "- wait_for:\n  - all:\n    - event: A\n      then: [{exit: a}]\n    - when: traits.x == 1\n  up_to: 3d",
        ['7:7: error misplaced-key: a condition inside "all" takes no "then"; move it beside "all"'],
    ),
    (
        "- wait_for: [{event: A *}]\n  up_to: 1d",
        ["4:24: error bad-event: only an entry trigger's event may end in *"],
    ),
    ("- exit: a\n  if: traits.x == 1\n- email: hello", []),
]

UNREACHABLE = (
    "error unreachable-step: nobody reaches this step: the one before it always ends the enrollment; "
    "remove it, or give the exit an if"
)
ENDS = [
    ("- exit: a\n- email: hello", 5),
    ("- branch: [{if: traits.x == 1, then: [{exit: a}]}]\n  else: [{wait: 1d}, {exit: b}]\n- email: hello", 6),
    ("- wait_for: [{event: A, then: [{exit: a}]}]\n  up_to: 1d\n  else: [{exit: b}]\n- email: hello", 7),
]
GOES_ON = [
    "- branch: [{if: traits.x == 1, then: [{exit: a}]}]\n- email: hello",
    "- wait_for: [{event: A, then: [{exit: a}]}]\n  up_to: 1d\n- email: hello",
]


@pytest.mark.parametrize(("head", "findings"), EXPRESSIONS)
def test_what_stands_around_the_steps_is_checked(check: Check, head: str, findings: list[str]) -> None:
    assert check(f"{BOOK}{head}{ONE_STEP}") == [f"playbooks/p.yaml:{finding}" for finding in findings]


@pytest.mark.parametrize(("steps", "findings"), STEPS)
def test_steps_are_checked(check: Check, steps: str, findings: list[str]) -> None:
    assert check(f"{BOOK}steps:\n{steps}\n") == [f"playbooks/p.yaml:{finding}" for finding in findings]


@pytest.mark.parametrize(("steps", "line"), ENDS)
def test_a_step_behind_an_end_is_found(check: Check, steps: str, line: int) -> None:
    assert check(f"{BOOK}steps:\n{steps}\n") == [f"playbooks/p.yaml:{line}:3: {UNREACHABLE}"]


@pytest.mark.parametrize("steps", GOES_ON)
def test_a_step_that_some_reach_is_fine(check: Check, steps: str) -> None:
    assert check(f"{BOOK}steps:\n{steps}\n") == []


def test_a_message_needs_a_topic_unless_it_is_transactional_or_internal(check: Check) -> None:
    steps = "- email: hello\n- {email: hello, to: owner}\n- {email: hello, transactional: true}\n"
    assert check(f"playbook: p\nsteps:\n{steps}") == [
        "playbooks/p.yaml:3:3: error no-topic: this message has no topic and is not transactional; "
        'give it a "topic", or "transactional: true" if it needs no consent'
    ]


def test_transactional_mail_that_says_how_it_waits_is_told_that_it_never_does(check: Check) -> None:
    assert check("playbook: p\nsteps:\n- email: hello\n  transactional: true\n  on_cap: skip\n") == [
        'playbooks/p.yaml:5:3: warning no-effect: "on_cap" changes nothing: transactional mail and mail to the owner '
        "never wait; leave it out"
    ]


def test_the_topic_of_a_playbook_must_exist(check: Check) -> None:
    assert check(f"playbook: p\ntopic: tipps\n{ONE_STEP}") == [
        'playbooks/p.yaml:2:8: error unknown-topic: no topic "tipps"; did you mean "tips"?'
    ]


def test_a_message_about_an_account_must_say_whom_it_goes_to_and_an_account_is_no_contact(check: Check) -> None:
    steps = "- email: bare\n- {email: bare, to: contact, transactional: true}\n- {email: bare, to: owner}\n"
    assert check(f"playbook: p\nscope: account\nwhile: contact.id == 'x'\nsteps:\n{steps}") == [
        'playbooks/p.yaml:3:8: error bad-expression: "contact" is not known here; '
        "known here: answers, enter, health, stage, steps, traits",
        'playbooks/p.yaml:5:3: error no-recipient: in account scope a message must say whom it goes to: "to"; '
        'add "to: owner", "to: all" or "to: {role: NAME}"',
        "playbooks/p.yaml:5:3: error no-topic: this message has no topic and is not transactional; "
        'give it a "topic", or "transactional: true" if it needs no consent',
        "playbooks/p.yaml:6:21: error wrong-scope: an account is no contact; write owner, all or {role: NAME}",
    ]


AGAIN = "this playbook can start itself again without a gap"
AFTER = "write reenter: {after: SPAN}"
TURNED = [f"5:13: error self-reentry: {AGAIN}: its own steps change traits.state; {AFTER}"]
ROUND = "- update: {state: '\"busy\"'}\n- update: {state: '\"idle\"'}"


@pytest.mark.parametrize(
    ("reenter", "steps", "findings"),
    [
        ("always", ROUND, TURNED),
        ("{after: 0d}", ROUND, TURNED),
        ("always", "- update: {state: traits.former}", TURNED),
        ("always", f"{ROUND}\n- wait: 1d", []),
        ("{after: 1d}", ROUND, []),
        ("once", ROUND, []),
        ("always", "- update: {state: '\"busy\"'}", []),
        ("always", "- update: {state: null}", []),
        ("always", "- update: {other: 1}", []),
    ],
)
def test_a_playbook_that_starts_itself_again_needs_a_gap(
    check: Check, reenter: str, steps: str, findings: list[str]
) -> None:
    trigger = "enter:\n  on:\n    - when: traits.state == 'idle'\n"
    text = f"{BOOK}{trigger}  reenter: {reenter}\nsteps:\n{steps}\n"
    assert check(text) == [f"playbooks/p.yaml:{each}" for each in findings]


@pytest.mark.parametrize(
    ("trigger", "steps", "finding"),
    [
        (
            "event: Told *",
            "[{emit: Told All}]",
            f"3:22: error self-reentry: {AGAIN}: its own steps emit Told *; {AFTER}",
        ),
        (
            "playbook: {p: any}",
            "[{milestone: m}]",
            f"3:26: error self-reentry: {AGAIN}: its own end starts it; {AFTER}",
        ),
        (
            "stage: {adoption: active}",
            "[{stage: {adoption: new}}, {stage: {adoption: active}}]",
            f"3:23: error self-reentry: {AGAIN}: its own steps set adoption to active; {AFTER}",
        ),
        (
            "segment: big",
            "[{update: {seats: 0}}, {update: {seats: 30}}]",
            f"3:24: error self-reentry: {AGAIN}: its own steps change traits.seats; {AFTER}",
        ),
    ],
)
def test_what_starts_itself_is_found_whatever_starts_it(check: Check, trigger: str, steps: str, finding: str) -> None:
    segment = "---\nsegment: big\nwhen: traits.seats > 20\n"
    text = f"{BOOK}enter: {{on: [{{{trigger}}}], reenter: always}}\nsteps: {steps}\n{segment}"
    assert check(text) == [f"playbooks/p.yaml:{finding}"]


def test_a_stage_that_it_only_confirms_starts_nobody(check: Check) -> None:
    text = f"{BOOK}enter: {{on: [{{stage: {{adoption: active}}}}], reenter: always}}\nsteps: [{{stage: {{adoption: active}}}}]\n"
    assert check(text) == []


TOLD: list[tuple[str, list[str]]] = [
    ("clicked: mail", []),
    ("task: call", []),
    ("all: [{opened: mail}, {replied: mail}]", []),
    ("clicked: mial", ['5:36: error unknown-step: no step "mial" of an email; did you mean "mail"?']),
    ("replied: call", ['5:36: error unknown-step: no step "call" of an email; known: mail']),
    ("task: mail", ['5:33: error unknown-step: no step "mail" of a task; known: call']),
]


@pytest.mark.parametrize(("condition", "findings"), TOLD)
def test_what_is_told_of_a_step_is_told_of_one_of_the_right_kind(
    check: Check, condition: str, findings: list[str]
) -> None:
    steps = "steps:\n- {id: mail, email: hello}\n"
    wait = f"- {{up_to: 1d, wait_for: [{{{condition}}}]}}\n"
    assert check(f"{BOOK}{steps}{wait}- {{id: call, task: Call}}\n") == [
        f"playbooks/p.yaml:{finding}" for finding in findings
    ]


KEYED = "playbook: p\ntopic: tips\nkey: event.order_id\n"
KEYS: list[tuple[str, list[str]]] = [
    ("enter: {on: [{event: A, match: event.order}]}\ngoal: {event: B, match: event.order}\n", []),
    (
        "enter: {key: event.id, on: [{event: A}]}\n",
        [
            '4:9: error duplicate-key: the key stands beside "enter" already; '
            "remove one of them: both places mean the same"
        ],
    ),
    (
        "enter: {on: [{when: traits.x == 1}]}\n",
        [
            "4:14: warning no-key: this trigger starts nobody: the playbook's key is read from an event, "
            "and here is none; let an event start it, or remove it"
        ],
    ),
    (
        "exit: [{event: B, match: enter.x}]\n",
        [
            '4:26: error bad-expression: "enter" is not known here; '
            "known here: account, answers, contact, event, health, stage, traits"
        ],
    ),
    (
        "goal: {event: 'B*', where: event.x > traits.y}\n",
        ["4:17: error bad-event: only an entry trigger's event may end in *"],
    ),
]


@pytest.mark.parametrize(("head", "findings"), KEYS)
def test_what_is_compared_with_the_key_is_looked_at(check: Check, head: str, findings: list[str]) -> None:
    assert check(f"{KEYED}{head}{ONE_STEP}") == [f"playbooks/p.yaml:{finding}" for finding in findings]


def test_whoever_is_enrolled_in_a_playbook_with_a_key_is_given_it(check: Check) -> None:
    other = "---\nplaybook: q\nkey: event.order_id\nsteps: [{exit: done}]\n"
    told = check(f"playbook: p\nsteps: [{{enroll: q}}, {{enroll: q, with: {{order_id: enter.id}}}}]\n{other}")
    assert told == [
        'playbooks/p.yaml:2:10: warning no-key: this enrolls nobody: the key of "q" is event.order_id, '
        'and nothing here says "order_id"; add "with: {order_id: EXPR}"'
    ]
