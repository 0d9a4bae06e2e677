"""Documents of the wrong form: each finding speaks of the right part, at its place, once."""

from __future__ import annotations

import pytest

from tests.support.workspaces import Check, CheckFiles

BOOK = "playbook: p\ntopic: tips\n"
SPAN = "write one like 90s, 30m, 12h, 3d, 2w or 2bd"
YES = "YAML 1.2 knows true and false only; yes, no, on and off are words"
VERBS = (
    "approve, branch, crm, email, emit, enroll, exit, milestone, notify, repeat, split, stage, survey, task, unenroll, update, "
    "wait, wait_for, webhook"
)

KINDS: list[tuple[str, list[str]]] = [
    ("plabook: p\n", ['1:1: error unknown-kind: no kind of document "plabook"; did you mean "playbook"?']),
    (
        "name: x\nplaybook: p\n",
        ['1:1: error unknown-kind: the first key must say what the document is, not "name"; put "playbook" first'],
    ),
    (
        "- a\n",
        [
            "1:1: error unknown-kind: a document must be a mapping whose first key says what it is; "
            "one of: playbook, track, segment, health, survey, policies, scenario"
        ],
    ),
    ("segment: s\nwhen: traits.x == 1\n", []),
    ("segment: s\nwhen: trait.x == 1\n", ['2:7: error bad-expression: unknown name "trait"; did you mean "traits"?']),
    (
        "segment: s\nwhen: in_segment('s')\n",
        ['2:7: error bad-expression: the segment "s" is made of itself; let one decide without the other'],
    ),
    (
        "segment: a\nwhen: in_segment('b')\n---\nsegment: b\nwhen: in_segment('a')\n",
        [
            '2:7: error bad-expression: in the segment "b": the segment "a" is made of itself; '
            "let one decide without the other",
            '5:7: error bad-expression: in the segment "a": the segment "b" is made of itself; '
            "let one decide without the other",
        ],
    ),
    (
        "survey: s\n",
        ['1:1: error missing-key: a survey needs "kind"'],
    ),
]

STEPS: list[tuple[str, list[str]]] = [
    ("- send_mail: hello", ['4:3: error unknown-key: no step "send_mail"; did you mean "email"?']),
    (
        "- email: hello\n  tpoic: tips",
        ['5:3: error unknown-key: no key "tpoic" in an email step; did you mean "topic"?'],
    ),
    (
        "- email: hello\n  on_quiet: later",
        ['5:13: error wrong-value: "on_quiet" must be "hold" or "skip", not "later"'],
    ),
    ("- email: hello\n  hold: 3", [f'5:9: error wrong-type: "hold" must be a span, not 3; {SPAN}']),
    (
        "- email: hello\n  to: all",
        [
            "5:3: error wrong-scope: a contact has no contacts: roles and all are an account's; write contact or owner",
        ],
    ),
    (
        "- email: hello\n  to: {role: admin}",
        [
            "5:3: error wrong-scope: a contact has no contacts: roles and all are an account's; write contact or owner",
        ],
    ),
    (
        "- email: hello\n  to: champion",
        ['5:7: error wrong-value: "to" must be "contact", "owner" or "all", not "champion"'],
    ),
    (
        "- email: hello\n  transactional: yes",
        [f'5:18: error wrong-type: "transactional" must be true or false, not "yes"; {YES}'],
    ),
    ("- email: hello\n  priority: 101", ['5:13: error wrong-value: "priority" must be at most 100, not 101']),
    ("- email: hello\n  priority: high", ['5:13: error wrong-type: "priority" must be a whole number, not "high"']),
    (
        "- email: hello\n  wait: 3d",
        ['5:3: error two-verbs: a step has one of "email" and "wait", not both; make it two steps'],
    ),
    ("- task: Call\n  due: 1d\n  wait: true", []),
    ("- task: Call\n  wait: 3d", [f'5:9: error wrong-type: "wait" must be true or false, not "3d"; {YES}']),
    (
        "- survey: nps\n  wait: 3d",
        ['4:11: error unknown-survey: no survey "nps"; there is no survey yet: define one first'],
    ),
    ("- split: {a: {share: 50}}", ["4:3: error bad-shares: the shares sum to 50, not to 100; change one of them"]),
    ("- repeat: {every: 1h, times: 2, steps: [{email: hello}]}", []),
    ("- repeat: {every: 30m, times: 2, steps: [{branch: [{if: 'true', then: [{wait: 1h}]}]}]}", []),
    (
        "- repeat: {every: 59m, times: 2, steps: [{email: hello}]}",
        [
            "4:19: error short-rounds: rounds less than an hour apart need a wait inside; write 1h or more, or add a wait",
        ],
    ),
    (
        "- repeat: {every: 1d, steps: [{email: hello}]}",
        ['4:3: error endless-repeat: a repeat needs "times" or "until": without either it never ends'],
    ),
    ("- repeat: {times: 2, steps: [{email: hello}]}", ['4:3: error missing-key: a repeat needs "every"']),
    (
        "- repeat: {every: 1d, times: 0, steps: [{exit: x}]}",
        ['4:30: error wrong-value: "times" must be at least 1, not 0'],
    ),
    ("- emit: A*", ["4:10: error bad-event: only an entry trigger's event may end in *"]),
    (
        "- milestone: First Value",
        ['4:14: error bad-id: "First Value" is no id; use lower-case letters, digits, - and _'],
    ),
    ("- enroll: q", ['4:11: error unknown-playbook: no playbook "q"; known: p']),
    (
        "- enroll: p\n  wait: true",
        [
            "4:11: error circular-enroll: these playbooks enroll each other in a circle: p -> p; "
            "let one of them end without enrolling"
        ],
    ),
    (
        "- enroll: p\n  to: all",
        ["5:3: error wrong-scope: a contact has no contacts; enroll them from an account"],
    ),
    (
        "- enroll: p\n  late_joiners: true",
        [
            "4:11: error circular-enroll: these playbooks enroll each other in a circle: p -> p; "
            "let one of them end without enrolling",
            '5:3: error misplaced-key: "late_joiners" are contacts who join those of "to"; say which: a role, or all',
        ],
    ),
    ("- unenroll: q", ['4:13: error unknown-playbook: no playbook "q"; known: p']),
    ("- split: {a: {share: 33.3}, b: {share: 33.3}, c: {share: 33.4}}", []),
    ("- split: {a: {share: 101}}", ['4:22: error wrong-value: "share" must be at most 100, not 101']),
    ("- split: {a: {then: []}}", ['4:11: error missing-key: a variant of a split needs "share"']),
    (
        "- split: {A.1: {share: 100, then: [{exit: x}]}}",
        [
            '4:11: error bad-id: "A.1" is no name of a variant; use lower-case letters, digits, - and _, a letter first',
        ],
    ),
    ("- wait: {until: '09:00', on: [mon], zone: workspace, spread: 10m}", []),
    ("- wait: {until: traits.renewal, offset: -7d, missing: exit}", []),
    ("- wait: {until: '25:00'}", ['4:18: error bad-time: "25:00" is no time of day; write one like 09:00 or 17:30']),
    (
        "- wait: {until: '09:00', on: [monday]}",
        [
            '4:31: error wrong-value: item 1 of "on" must be "mon", "tue", "wed", "thu", "fri", "sat" or "sun", '
            'not "monday"'
        ],
    ),
    ("- wait: {until: '09:00', on: []}", ['4:30: error empty: "on" must not be empty']),
    (
        "- wait: {until: '09:00', offset: -1d}",
        ['4:26: error unknown-key: no key "offset" in a wait until a time of day; it may also have: on, spread, zone'],
    ),
    (
        "- wait: {until: traits.renewal, on: [mon]}",
        ['4:33: error unknown-key: no key "on" in a wait until a date; it may also have: missing, offset, spread'],
    ),
    (
        "- wait: {until: traits.renewal, offset: -7x}",
        ['4:41: error bad-span: "-7x" is no span; write one like -7d, +2h or -2bd'],
    ),
    (
        "- wait: {until: '09:00', spread: 2bd}",
        ['4:34: error bad-span: "2bd" has no length that could be divided; write a spread like 10m or 2h'],
    ),
    ("- wait: {until: 9}", ['4:17: error wrong-type: "until" must be text, not 9; put it into quotes: "9"']),
    ("- wait: {on: [mon]}", ['4:3: error missing-key: a wait until a time of day needs "until"']),
    ("- task: Call\n  wait: {until: x}", ['5:9: error wrong-type: "wait" must be true or false, not a mapping']),
    ("- wait: 3", [f'4:9: error wrong-type: "wait" must be a span, not 3; {SPAN}']),
    ("- exit", ['4:3: error wrong-type: a step must be a mapping; write "exit: ..."']),
    ("- id: lonely", [f"4:3: error missing-key: this step does not say what it is; one of: {VERBS}"]),
    ("- update: {a: [1]}", ['4:15: error wrong-type: "a" must be text, not a list']),
    ("- stage: {a: b, c: d}", ['4:10: error wrong-value: "stage" must have exactly 1 entry']),
    ("- branch: []", ['4:11: error empty: "branch" must not be empty']),
    ("- branch:\n  - then: []", ['5:5: error missing-key: an arm of a branch needs "if"']),
    (
        "- branch:\n  - if: true\n    then:\n    - emial: x",
        [
            '5:9: error wrong-type: "if" must be text, not true; put it into quotes: "true"',
            '7:7: error unknown-key: no step "emial"; did you mean "email"?',
        ],
    ),
    (
        "- wait_for:\n  - clicked: welcome\n  up_to: 2d",
        ['5:14: error unknown-step: no step "welcome" of an email; there is no email step yet: add one first'],
    ),
    (
        "- wait_for:\n  - event: A\n    match: x\n  up_to: 2d",
        [
            '6:5: error misplaced-key: "match" says where an event carries the playbook\'s key, '
            'and this playbook has none; add "key: event.NAME", or use "where"'
        ],
    ),
    (
        "- wait_for:\n  - evnt: A\n  up_to: 2d",
        ['5:5: error unknown-key: no condition "evnt"; did you mean "event"?'],
    ),
    (
        "- email: hello\n  id: My Step",
        ['5:7: error bad-id: "My Step" is no id; use lower-case letters, digits, - and _'],
    ),
    (
        "- email: hello\n  if_: traits.x == 1",
        ['5:3: error unknown-key: no key "if_" in an email step; did you mean "if"?'],
    ),
]

HEADS: list[tuple[str, list[str]]] = [
    ("steps: []", ['3:8: error empty: "steps" must not be empty']),
    ("name: x", ['1:1: error missing-key: a playbook needs "steps"']),
    ("stpes: [{exit: a}]", ['3:1: error unknown-key: no key "stpes" in a playbook; did you mean "steps"?']),
    ("scope: team\nsteps: [{exit: a}]", ['3:8: error wrong-value: "scope" must be "contact" or "account", not "team"']),
    (
        "enter: {holdout: 10}\nsteps: [{exit: a}]",
        ['3:18: error wrong-type: "holdout" must be text, not 10; put it into quotes: "10"'],
    ),
    ("enter: {holdout: 2.5%}\nsteps: [{exit: a}]", []),
    (
        "enter: {holdout: 101%}\nsteps: [{exit: a}]",
        ['3:18: error wrong-value: "holdout": must be a percentage from 0% to 100%, like 10%'],
    ),
    (
        "enter: {on: [{segment: s}]}\nsteps: [{exit: a}]",
        ['3:24: error unknown-segment: no segment "s"; there is no segment yet: define one first'],
    ),
    (
        "enter: {on: [{event: A, when: traits.x}]}\nsteps: [{exit: a}]",
        ['3:25: error two-verbs: a trigger has one of "event" and "when", not both; make it two triggers'],
    ),
    (
        "enter: {on: [{date: traits.renewal, offset: -90d, at: '09:00', spread: 1h}]}\nsteps: [{exit: a}]",
        [],
    ),
    ("enter: {on: [{schedule: '*/15 8-18 * * mon-fri', spread: 10m}]}\nsteps: [{exit: a}]", []),
    (
        "enter: {on: [{date: traits.renewal, at: 9am, offset: 3}]}\nsteps: [{exit: a}]",
        [f'3:54: error wrong-type: "offset" must be a span, not 3; {SPAN}'],
    ),
    (
        "enter: {on: [{date: traits.renewal, at: 9am}]}\nsteps: [{exit: a}]",
        ['3:41: error bad-time: "9am" is no time of day; write one like 09:00 or 17:30'],
    ),
    (
        "enter: {on: [{schedule: '0 9 * * monday'}]}\nsteps: [{exit: a}]",
        [
            '3:26: error bad-schedule: "monday" is no day of week; write one like "0 9 * * mon": '
            "minute, hour, day of month, month, day of week"
        ],
    ),
    (
        "enter: {on: [{schedule: '0 9 * * *', where: x}]}\nsteps: [{exit: a}]",
        ['3:38: error unknown-key: no key "where" in a schedule trigger; it may also have: spread'],
    ),
    (
        "enter: {reenter: sometimes}\nsteps: [{exit: a}]",
        ['3:18: error wrong-value: "reenter" must be "once" or "always", not "sometimes"'],
    ),
    (
        "enter: {reenter: {aftr: 3d}}\nsteps: [{exit: a}]",
        ['3:19: error unknown-key: no key "aftr" in reenter; did you mean "after"?'],
    ),
    ("goal: {event: A}\nsteps: [{exit: a}]", []),
    (
        "goal: {event: A, when: x}\nsteps: [{exit: a}]",
        ['3:18: error two-verbs: a goal has one of "event" and "when", not both; keep one of them'],
    ),
    (
        "exit: [{reason: x}]\nsteps: [{exit: a}]",
        ["3:8: error missing-key: this exit criterion does not say what it is; one of: event, when"],
    ),
    ("exit: {when: x}\nsteps: [{exit: a}]", ['3:7: error wrong-type: "exit" must be a list, not a mapping']),
]

OTHERS: list[tuple[str, list[str]]] = [
    (
        "track: t\nstages:\n- id: a\n  expected: 30d\n  stuck: 45d\n  milestones: [kickoff]\n  kpis: [time_to_value]\n",
        [],
    ),
    (
        "track: t\nstages:\n- id: a\n  expected: 30d\n  stuck: 2w\n- {id: b, enter: traits.x == 1, end: true, stuck: 3d}\n",
        [
            '5:10: error wrong-value: "stuck" must be longer than "expected", which is 30d',
            '6:44: error misplaced-key: the end stage "b" stops the clock: nobody is late in it',
        ],
    ),
    (
        "track: t\nstages:\n- id: a\n  expected: 3\n  end: no\n- enter: traits.x\nmove: back\nmin_dwell: 0\n",
        [
            f'4:13: error wrong-type: "expected" must be a span, not 3; {SPAN}',
            f'5:8: error wrong-type: "end" must be true or false, not "no"; {YES}',
            '6:3: error missing-key: a stage needs "id"',
            '7:7: error wrong-value: "move" must be "forward" or "any", not "back"',
            f'8:12: error wrong-type: "min_dwell" must be a span, not 0; {SPAN}',
        ],
    ),
]


@pytest.mark.parametrize(("document", "findings"), KINDS)
def test_the_first_key_says_what_a_document_is(check: Check, document: str, findings: list[str]) -> None:
    assert check(document) == [f"playbooks/p.yaml:{finding}" for finding in findings]


@pytest.mark.parametrize(("step", "findings"), STEPS)
def test_a_step_of_the_wrong_form_is_found(check: Check, step: str, findings: list[str]) -> None:
    assert check(f"{BOOK}steps:\n{step}\n") == [f"playbooks/p.yaml:{finding}" for finding in findings]


@pytest.mark.parametrize(("head", "findings"), HEADS)
def test_a_playbook_of_the_wrong_form_is_found(check: Check, head: str, findings: list[str]) -> None:
    assert check(f"{BOOK}{head}\n") == [f"playbooks/p.yaml:{finding}" for finding in findings]


@pytest.mark.parametrize(("document", "findings"), OTHERS)
def test_a_track_of_the_wrong_form_is_found(check: Check, document: str, findings: list[str]) -> None:
    assert check(document) == [f"playbooks/p.yaml:{finding}" for finding in findings]


def test_policies_of_the_wrong_form_are_found_and_topics_are_not_blamed_for_it(check_files: CheckFiles) -> None:
    policies = "policies: x\ntopics: {a: {kind: opt}, b: 3}\nsurvey_cooldown: {}\nsenders: {x: {emial: q}}\n"
    book = f"{BOOK}steps: [{{email: hello}}]\n"
    assert check_files({"playbooks/policies.yaml": policies, "playbooks/p.yaml": book}) == [
        'playbooks/policies.yaml:2:10: error missing-key: a topic needs "name"',
        'playbooks/policies.yaml:2:20: error wrong-value: "kind" must be "opt_in" or "opt_out", not "opt"',
        'playbooks/policies.yaml:2:29: error wrong-type: "b" must be a mapping, not 3',
        'playbooks/policies.yaml:4:15: error unknown-key: no key "emial" in a sender; did you mean "email"?',
    ]
