"""What `check` says of work for people and of what other systems are told."""

from __future__ import annotations

import pytest

from tests.support.workspaces import USUAL, Check, CheckFiles

BOOK = "playbook: p\ntopic: tips\nsteps:\n"

FINDINGS: list[tuple[str, list[str]]] = [
    (
        "  - {task: Call, due: 3d, escalate: {after: 2d, to: owner}}",
        [
            "4:38: warning early-escalation: this task is escalated before it is due: both spans count from its opening; "
            "make it longer"
        ],
    ),
    ("  - {task: Call, due: 1bd, escalate: {after: 2d, to: {role: csm}}}", []),
    ("  - {task: Call, escalate: {after: soon, to: owner}}", ["bad-span"]),
    (
        "  - {task: Call, wait: true}",
        [
            '4:18: warning endless-wait: without "due" this waits for somebody as long as the enrollment lives; '
            'add "due: SPAN"'
        ],
    ),
    ("  - {approve: Well?, within: 2d, then: [{email: hello}]}", []),
    (
        "  - {approve: Well?, within: 2d, then: [{exit: a}], else: [{exit: b}]}\n  - email: hello",
        [
            "5:5: error unreachable-step: nobody reaches this step: the one before it always ends the enrollment; "
            "remove it, or give the exit an if"
        ],
    ),
    (
        "  - {approve: Well?, within: 2d}",
        [
            '4:6: warning idle-approval: the answer changes nothing: there is neither "then" nor "else"; '
            'write what follows under "then"'
        ],
    ),
    (
        "  - {approve: Well?, then: [{email: hello}]}",
        ['4:6: warning endless-wait: without "within" this waits as long as the enrollment lives; add "within: SPAN"'],
    ),
    (
        "  - {approve: Well?, on_timeout: allow, then: [{email: hello}]}",
        [
            '4:22: error misplaced-key: without "within" there is no time limit, and "on_timeout" never applies; '
            'add "within: SPAN"'
        ],
    ),
    ("  - {approve: '{{ nobody.name }}', within: 2d, then: [{email: hello}]}", ["unknown-name"]),
    ("  - crm: {set: {plan: traits.plan, seats: 3}}", []),
    ("  - crm: {set: {plan: trait.plan}}", ["bad-expression"]),
    ("  - crm: {on: contact}", ["missing-key"]),
    (
        "  - crm: {note: Well, stage: Won}",
        ['4:23: error two-verbs: a crm step writes one thing, not "note" and "stage"; make it two steps'],
    ),
    ("  - crm: {set: {}}", ["missing-key"]),
    ("  - {crm: {note: Well, on: account}, on: contact}", ["duplicate-key"]),
    ("  - webhook: {url: 'https://example.com/{{ contact.id }}', body: {a: [1, {b: '{{ traits.x }}'}]}}", []),
    (
        "  - webhook: {url: example.com}",
        ['4:20: error bad-url: "example.com" is no web address; begin it with https://'],
    ),
    ("  - webhook: {url: 'https://example.com', headers: {'X Y': z}}", ["bad-header"]),
    (
        "  - webhook: {url: 'https://example.com', headers: {Webhook-Signature: z}}",
        ['4:53: error bad-header: the header "Webhook-Signature" is written for you'],
    ),
    ("  - webhook: {url: 'https://example.com', body: [{deep: '{{ nobody.name }}'}]}", ["unknown-name"]),
    ("  - webhook: {url: 'https://example.com', method: FETCH}", ["wrong-value"]),
    ("  - {notify: team, text: 'Look at {{ contact.id }}'}", []),
    ("  - notify: team", ["missing-key"]),
    ("  - {notify: team, text: '{{ nobody.name }}'}", ["unknown-name"]),
]


@pytest.mark.parametrize(("steps", "findings"), FINDINGS)
def test_steps_that_tell_others_are_checked(check: Check, steps: str, findings: list[str]) -> None:
    """A finding is whole, or only its code where the words are said elsewhere."""
    found = check(f"{BOOK}{steps}\n")
    assert len(found) == len(findings), found
    for line, expected in zip(found, findings, strict=True):
        assert expected in line


def test_a_channel_that_the_policies_do_not_have_is_found(check_files: CheckFiles) -> None:
    policies = f"{USUAL['playbooks/policies.yaml']}channels: {{cs-team: {{}}}}\n"
    book = f"{BOOK}  - {{notify: cs-taem, text: Look}}\n  - {{notify: cs-team, text: Look}}\n"
    files: dict[str, str | bytes] = {**USUAL, "playbooks/policies.yaml": policies, "playbooks/p.yaml": book}
    assert check_files(files) == [
        'playbooks/p.yaml:4:14: error unknown-channel: no channel "cs-taem"; did you mean "cs-team"?'
    ]


def test_an_account_has_no_contact_in_the_crm(check: Check) -> None:
    found = check("playbook: p\nscope: account\nsteps:\n  - {crm: {note: Well}, on: contact}\n")
    assert found == ["playbooks/p.yaml:4:29: error wrong-scope: an account is no contact; write account"]
