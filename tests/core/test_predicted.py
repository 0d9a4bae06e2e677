"""What somebody with nothing but the language's page expected of it, before it was run: ``predicted/``, a workspace each."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennia.catalog import load_workspace, rehearsal
from perennia.catalog.releasing import draft_documents
from perennia.cli.scenarios import WorkspaceRendering
from perennia.simulate.report import report
from perennia.simulate.scenarios import run_scenario

FILES = sorted((Path(__file__).parent / "predicted").glob("*.yaml"))

POLICIES = """policies: default
timezone: Europe/Berlin
senders: {hello: {email: hello@example.com, name: Ana}}
default_sender: hello
topics: {tips: {kind: opt_out, name: Tips}, news: {kind: opt_in, name: News}}
"""
BODY = "[Leave]({{ unsubscribe_url }})\n"
# One that needs a trait which hardly anybody has.
TEMPLATES = {"needs": "Hi {{ traits.nick }}"} | dict.fromkeys("abcdemnxyz", "Hello")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_happens_as_the_page_lets_one_expect(tmp_path: Path, file: Path) -> None:
    case = file.read_text(encoding="utf-8")
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/case.yaml").write_text(case, encoding="utf-8")
    if not case.startswith("policies:"):
        (tmp_path / "playbooks/policies.yaml").write_text(POLICIES, encoding="utf-8")
    (tmp_path / "templates").mkdir()
    for name, subject in TEMPLATES.items():
        text = f"---\nsubject: {subject}\n---\n{BODY}"
        (tmp_path / f"templates/{name}.md").write_text(text, encoding="utf-8")
    workspace = load_workspace(tmp_path)
    assert [str(finding) for finding in workspace.errors] == []

    documents, drafts = rehearsal(workspace), draft_documents(workspace)
    rendering = WorkspaceRendering(workspace.templates)
    results = [run_scenario(documents, each.scenario, rendering, drafts) for each in workspace.scenarios]

    assert results
    assert [report(result) for result in results if not result.passed] == []
