"""Releases: documents whose versions depend on nothing but what is said."""

from __future__ import annotations

import json

import pytest

from perennia.catalog import WorkspaceRefused, rehearsal, release
from perennia.core.compiled import compile_catalog
from perennia.core.documents import Document, Triggers, content_hash
from tests.support.workspaces import HELLO, USUAL, MakeWorkspace

BOOK = """\
playbook: p
topic: tips
enter:
  on:
    - event: Account Created
    - event: Order *
    - when: happened("Logged In")
  reenter: {after: 180d}
steps:
  - email: hello
  - wait_for:
      - event: Done
        then: [{exit: done}]
    up_to: 2d
"""
# The same, written otherwise: other order of keys, defaults written out, anchors, comments, quotes.
SAME_BOOK = """\
# a comment
playbook: "p"
steps:
  - {transactional: false, email: hello, priority: null}
  - up_to: 2d
    since: entry
    else: []
    wait_for: [{then: [{exit: done}], event: 'Done'}]
scope: contact
priority: 50
enter:
  reenter:
    after: 180d
  on: [{event: &first Account Created}, {event: Order *}, {when: 'happened("Logged In")'}]
topic: tips
"""


def test_a_playbooks_body_is_canonical_json_without_defaults(make_workspace: MakeWorkspace) -> None:
    released = release(make_workspace({**USUAL, "playbooks/p.yaml": BOOK}))
    (document,) = [document for document in released.documents if document.kind == "playbook"]
    assert document.body == (
        '{"definition":{"enter":{"on":[{"event":"Account Created"},{"event":"Order *"},{"when":"happened(\\"Logged In\\")"}],'
        '"reenter":{"after":"180d"}},"playbook":"p","steps":[{"email":"hello"},{"up_to":"2d","wait_for":[{"event":"Done",'
        '"then":[{"exit":"done"}]}]}],"topic":"tips"},"templates":{"hello":"TEMPLATE"}}'
    ).replace("TEMPLATE", _version(released.documents, "hello"))


def test_versions_stay_what_they_were(make_workspace: MakeWorkspace) -> None:
    """People in flight are pinned to these: a change here means that every installation's versions change."""
    released = release(make_workspace({**USUAL, "playbooks/p.yaml": BOOK}))
    assert {f"{document.kind} {document.id}": document.version for document in released.documents} == {
        "playbook p": "984d7b763c2572e69923",
        "policies default": "d07de350e675dd5f200c",
        "template bare": "d6e7bf9e9e3a3124c82b",
        "template hello": "1686403b0ff2bcd17462",
        "track adoption": "984db2a70b69ac5e5ca2",
        "track rollout": "14291c890f78ba134794",
    }


def test_a_version_is_the_hash_of_the_body(make_workspace: MakeWorkspace) -> None:
    released = release(make_workspace({**USUAL, "playbooks/p.yaml": BOOK}))
    assert [document.version for document in released.documents] == [
        content_hash(document.body) for document in released.documents
    ]


def test_how_a_definition_is_written_does_not_matter(make_workspace: MakeWorkspace) -> None:
    first = release(make_workspace({**USUAL, "playbooks/p.yaml": BOOK})).documents
    second = release(make_workspace({**USUAL, "playbooks/p.yaml": SAME_BOOK})).documents
    assert first == second


def test_which_files_definitions_lie_in_does_not_matter(make_workspace: MakeWorkspace) -> None:
    first = release(make_workspace({**USUAL, "playbooks/p.yaml": BOOK})).documents
    together = f"{USUAL['playbooks/tracks.yaml']}---\n{BOOK}---\n{USUAL['playbooks/policies.yaml']}"
    emptied = {"playbooks/p.yaml": "", "playbooks/tracks.yaml": "", "playbooks/policies.yaml": ""}
    second = release(make_workspace({**emptied, "playbooks/z/all.yml": together})).documents
    assert first == second


def test_a_changed_template_makes_a_new_version_of_the_playbooks_that_send_it(make_workspace: MakeWorkspace) -> None:
    other = BOOK.replace("playbook: p", "playbook: q").replace("email: hello", "wait: 1d")
    files = {**USUAL, "playbooks/p.yaml": BOOK, "playbooks/q.yaml": other}
    before = release(make_workspace(files)).documents
    after = release(make_workspace({**files, "templates/hello.md": HELLO + "More.\n"})).documents
    changed = {(old.kind, old.id) for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {("playbook", "p"), ("template", "hello")}


def test_a_changed_layout_makes_new_versions_of_the_templates_in_it(make_workspace: MakeWorkspace) -> None:
    layout = {"templates/layouts/default.html": "<b>{{ content }}</b> {{ unsubscribe_url }}"}
    before = release(make_workspace({**USUAL, **layout})).documents
    layout = {"templates/layouts/default.html": "<i>{{ content }}</i> {{ unsubscribe_url }}"}
    after = release(make_workspace({**USUAL, **layout})).documents
    assert {old.id for old, new in zip(before, after, strict=True) if old != new} == {"hello"}


def test_scenarios_are_not_published(make_workspace: MakeWorkspace) -> None:
    scenario = "scenario: s\ncustomer: {id: a}\nstart: 2026-03-02\nuntil: 1d\nexpect: [{never: {email: '*'}}]\n"
    released = release(make_workspace({**USUAL, "playbooks/s.yaml": scenario}))
    assert {document.kind for document in released.documents} == {"policies", "template", "track"}


def test_triggers_are_the_events_that_start_something(make_workspace: MakeWorkspace) -> None:
    released = release(make_workspace({**USUAL, "playbooks/p.yaml": BOOK}))
    assert released.triggers == Triggers(names=("Account Created",), prefixes=("Order ",))


def test_a_workspace_with_errors_is_refused_with_its_findings(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({**USUAL, "playbooks/p.yaml": BOOK.replace("email: hello", "email: helo")})
    with pytest.raises(WorkspaceRefused) as refused:
        release(workspace)
    assert str(refused.value) == (
        "not released: 1 error\n"
        'playbooks/p.yaml:10:12: error unknown-template: no template "helo"; did you mean "hello"?'
    )


def test_a_workspace_with_warnings_is_released(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({**USUAL, "playbooks/p.yaml": BOOK.replace("    up_to: 2d\n", "")})
    assert [finding.code for finding in workspace.findings] == ["endless-wait"]
    assert len(release(workspace).documents) == 6


def test_what_is_released_compiles_into_a_catalog_that_says_the_same(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({**USUAL, "playbooks/p.yaml": BOOK})
    catalog = compile_catalog("r1", release(workspace).documents)
    assert catalog.playbooks["p"].definition == workspace.playbooks["p"]


def test_a_template_body_holds_its_files_and_no_layout_where_it_has_none(make_workspace: MakeWorkspace) -> None:
    released = release(make_workspace(USUAL))
    (document,) = [document for document in released.documents if document.id == "bare"]
    assert json.loads(document.body) == {
        "name": "bare",
        "files": {"md": "---\nsubject: Hello\nlayout: none\n---\nHello\n"},
    }


def _version(documents: tuple[Document, ...], template: str) -> str:
    return next(document.version for document in documents if (document.kind, document.id) == ("template", template))


def test_a_playbook_can_be_rehearsed_before_its_copy_is_written(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"playbooks/p.yaml": BOOK})
    assert {finding.code for finding in workspace.errors} == {"unknown-template", "unknown-topic"}
    assert [document.id for document in rehearsal(workspace)] == ["p"]


def test_what_is_wrong_with_the_steps_themselves_is_not_rehearsed(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"playbooks/p.yaml": BOOK.replace("up_to: 2d", "up_to: 2x")})
    with pytest.raises(WorkspaceRefused, match="2x"):
        rehearsal(workspace)


def test_a_countrys_holidays_are_released_as_dates(make_workspace: MakeWorkspace) -> None:
    policies = 'policies: default\nholidays: [DE, "2026-12-24"]\n'
    released = release(make_workspace({**USUAL, "playbooks/policies.yaml": policies}))
    (document,) = [document for document in released.documents if document.kind == "policies"]
    holidays = json.loads(document.body)["holidays"]
    assert [day for day in holidays if day.startswith("2026")] == [
        "2026-01-01",
        "2026-04-03",
        "2026-04-06",
        "2026-05-01",
        "2026-05-14",
        "2026-05-25",
        "2026-10-03",
        "2026-12-24",
        "2026-12-25",
        "2026-12-26",
    ]
    assert (holidays[0], holidays[-1]) == ("2020-01-01", "2040-12-26")
