"""`perennia check` beyond its lines: strictness, formats, and the store it is held against."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from perennia.core.decisions import CustomerEvent, TraitsChanged
from perennia.store import open_store
from perennia.store.records import Accepted
from tests.support.commands import perennia

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def contradict(workspace: Path) -> None:
    file = workspace / "playbooks" / "hello.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace('traits.plan == "pro"', 'traits.plan == "pro" && traits.plan == "free"'), encoding="utf-8"
    )


def test_a_warning_fails_only_where_strictness_is_asked_for(workspace: Path) -> None:
    contradict(workspace)
    ended = perennia(workspace, "check", "--strict")
    assert (ended.code, ended.out.splitlines()[-1]) == (1, "1 warning")
    assert perennia(workspace, "check").code == 0


def test_findings_come_as_commands_of_githubs_workflows(workspace: Path) -> None:
    contradict(workspace)
    ended = perennia(workspace.parent, "check", "--workspace", str(workspace), "--format", "github")
    assert ended.out == (
        f"::warning file={workspace.name}/playbooks/hello.yaml,line=6,col=10,title=never-true::"
        'traits.plan == "pro" && traits.plan == "free" can never be true; remove it, or what it contradicts\n'
    )


async def fill_store(workspace: Path) -> None:
    store = open_store(f"sqlite:///{workspace / 'store.sqlite'}")
    try:
        await store.migrate()
        event = CustomerEvent(at=AT, name="Signed up")
        await store.accept([Accepted(external_id="ana", kind="contact", message_id="m1", input=event)], AT)
        told = TraitsChanged(at=AT, traits={"email": "ana@example.com"})
        await store.accept([Accepted(external_id="ana", kind="contact", message_id="m2", input=told)], AT)
    finally:
        await store.close()


async def test_words_that_no_customers_data_has_are_warned_of(workspace: Path) -> None:
    await fill_store(workspace)
    env = {"PERENNIA_STORE_URL": f"sqlite:///{workspace / 'store.sqlite'}"}
    ended = perennia(workspace, "check", "--store", env=env)
    assert ended.code == 0
    assert ended.out.splitlines()[:2] == [
        'playbooks/hello.yaml:5:14: warning unknown-event: no event "Signed Up" ever came in; did you mean "Signed up"?',
        'playbooks/hello.yaml:6:17: warning unknown-trait: no contact has the trait "plan"; send it, or leave the trait out',
    ]


def test_the_schema_is_printed_and_written(workspace: Path) -> None:
    written = perennia(workspace, "schema", "--output", "editor/schema.json")
    assert (written.code, written.out) == (0, "written to editor/schema.json\n")
    assert '"title": "Perennia"' in (workspace / "editor/schema.json").read_text(encoding="utf-8")


WRONG = """\
playbook: a
topic: news
enter: {on: [{event: Told}], reenter: always}
steps:
  - wait_for: [{event: Done}]
  - {task: Call, wait: true}
  - split: {x: {share: 50, then: [{email: gone}]}, y: {share: 40, then: [{email: plain}]}}
  - {emit: Told, if: 'traits.n > 3 && traits.n < 2'}
  - {enroll: b}
  - exit: enough
  - email: hello/greet
---
playbook: b
steps: [{enroll: a}]
"""
FOUND = [
    (3, 22, "error", "self-reentry"),
    (5, 5, "warning", "endless-wait"),
    (6, 18, "warning", "endless-wait"),
    (7, 5, "error", "bad-shares"),
    (7, 43, "error", "unknown-template"),
    (7, 82, "error", "no-way-out"),
    (8, 23, "warning", "never-true"),
    (9, 14, "error", "circular-enroll"),
    (11, 5, "error", "unreachable-step"),
    (14, 18, "error", "circular-enroll"),
]


def write_wrong(workspace: Path) -> None:
    (workspace / "playbooks/wrong.yaml").write_text(WRONG, encoding="utf-8")
    (workspace / "templates/layouts").mkdir()
    (workspace / "templates/layouts/bare.html").write_text("{{ content }}", encoding="utf-8")
    (workspace / "templates/plain.md").write_text("---\nsubject: Hello\nlayout: bare\n---\nHello\n", encoding="utf-8")


def test_programs_are_told_of_each_finding_its_place_code_sentence_and_remedy(workspace: Path) -> None:
    write_wrong(workspace)
    ended = perennia(workspace, "check", "--format", "json")
    findings = [each for each in json.loads(ended.out)["findings"] if each["path"] == "playbooks/wrong.yaml"]
    assert ended.code == 1
    assert [(each["line"], each["column"], each["severity"], each["code"]) for each in findings] == FOUND
    assert all(each["message"] and each["remedy"] for each in findings)


def test_githubs_workflows_are_told_the_same(workspace: Path) -> None:
    write_wrong(workspace)
    lines = perennia(workspace, "check", "--format", "github").out.splitlines()
    heads = [line.split("::", 2)[1] for line in lines if "file=playbooks/wrong.yaml" in line]
    assert heads == [
        f"{severity} file=playbooks/wrong.yaml,line={line},col={column},title={code}"
        for line, column, severity, code in FOUND
    ]
