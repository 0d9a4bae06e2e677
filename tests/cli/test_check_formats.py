"""`perennia check` beyond its lines: strictness, formats, and the store it is held against."""

from __future__ import annotations

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
